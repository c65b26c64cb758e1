"""What decisions rest on, and what other values would change: the same customers decided on anew, nothing written."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from customer_revenue.errors import InvalidParameter
from customer_revenue.policy import Policy
from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.campaigns.campaign_file import CampaignFile
from customer_revenue.workflows.campaigns.plays import Plays
from customer_revenue.workflows.customer_base.analytics import CustomerBase
from customer_revenue.workflows.customer_base.shop_decisions import ShopDecisions

SegmentBasis = Literal["net", "total"]
NOTHING: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class Trial:
    """Values to try; what is left out stays as it is.

    Args:
        margin_percent: of all that is sold.
        discounts: percentage by segment.
        thresholds: in cents, by segment.
        basis: of the segments, ``net`` or ``total``.
        contacts: values of the policy's ``decisions`` about when to contact, by their names.
    """

    margin_percent: int | None = None
    discounts: Mapping[str, int] = field(default_factory=dict)
    thresholds: Mapping[str, int] = field(default_factory=dict)
    basis: SegmentBasis | None = None
    contacts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        margin_percent: int | None,
        discounts: Collection[str],
        thresholds: Collection[str],
        basis: SegmentBasis | None = None,
        contacts: Mapping[str, int] = NOTHING,
    ) -> Trial:
        """Values as a request names them, such as ``whale:15``.

        Raises:
            InvalidParameter: a value that is not of this form.
        """
        named = _named("discount", discounts), _named("threshold", thresholds)
        return cls(margin_percent, *named, basis, contacts)

    def values(self, policy: Policy) -> dict[tuple[str | int, ...], int | str]:
        """The values by their places in a policy file: keys, and positions in lists.

        Raises:
            InvalidParameter: a segment that the policy does not have.
        """
        names = [rung.name for rung in policy.segments.active]
        for name in (*self.discounts, *self.thresholds):
            if name not in names:
                raise InvalidParameter(f"segment: {name[:40]!r} is not one of {', '.join(names)}", names)
        found: dict[tuple[str | int, ...], int | str] = {}
        if self.margin_percent is not None:
            found["margin", "assumed_percent"] = self.margin_percent
        if self.basis is not None:
            found["segments", "basis"] = self.basis
        for name, cents in self.thresholds.items():
            place = ("segments", "ladders", policy.segments.ladder, names.index(name))
            found[*place, "from_total_revenue_cents"] = cents
        for name, percent in self.discounts.items():
            found["offers", "segments", name, "discount_percentage"] = percent
        for name, value in self.contacts.items():
            found["decisions", name] = value
        return found

    def policy(self, policy: Policy) -> Policy:
        """A policy with these values.

        Raises:
            InvalidParameter: they break a rule of the policy, or name a segment that it does not have.
        """
        content = policy.model_dump()
        for place, value in self.values(policy).items():
            at: Any = content
            for part in place[:-1]:
                at = at[part]
            at[place[-1]] = value
        try:
            return Policy.model_validate(content)
        except ValidationError as error:
            raise InvalidParameter(f"policy: {error.errors()[0]['msg']}") from None


def settings_body(base: CustomerBase, file: CampaignFile, trial: Trial) -> Body:
    """What decisions rest on now, and what they would come to with other values.

    Raises:
        InvalidParameter: the values break a rule of the policy.
        ModelError: there is no model.
    """
    shop = base.decisions
    policy, limits, margin = shop.policy, shop.policy.decisions, base.reports.margin
    tried = _decided(base, shop, trial)
    return {
        "margin_percent": round(100 * margin.share, 2),
        "margin_basis": margin.basis,
        "segments": [
            {
                "name": rung.name,
                "from_total_revenue_cents": rung.from_total_revenue_cents,
                "discount_percentage": policy.offers.segments[rung.name].discount_percentage,
            }
            for rung in policy.segments.active
        ],
        "ladder": policy.segments.ladder,
        "basis": policy.segments.basis,
        "quiet_days": limits.quiet_days,
        "quiet_days_after_contact": limits.quiet_days_after_contact,
        "most_contacts": limits.most_contacts,
        "most_contacts_days": limits.most_contacts_days,
        "consent": _consent(base),
        "now": _outcome(Plays(base, file), shop),
        "then": _outcome(Plays(base, file, tried), tried),
    }


def _decided(base: CustomerBase, shop: ShopDecisions, trial: Trial) -> ShopDecisions:
    policy = trial.policy(shop.policy)
    situations = shop.situations
    if trial.thresholds or trial.basis is not None:
        situations = replace(situations, facts=_resegmented(base, situations.facts, policy))
    if trial.margin_percent is None:
        return replace(shop, situations=situations, policy=policy)
    return ShopDecisions(situations, policy, shop.currency, trial.margin_percent / 100)


def _resegmented(base: CustomerBase, facts: pa.Table, policy: Policy) -> pa.Table:
    name = "net_revenue_cents" if policy.segments.is_net else "total_revenue_cents"
    known = base.store.fetch(base.customers.select("customer_id", name))
    places = pc.index_in(facts["customer_id"], value_set=known["customer_id"].combine_chunks())
    cents = np.asarray(known[name].take(places).to_numpy(), np.int64)
    rungs = policy.segments.active[::-1]  # from the lowest
    at = np.searchsorted([rung.from_total_revenue_cents for rung in rungs], cents, side="right") - 1
    names = np.array([rung.name for rung in rungs], np.object_)[np.maximum(at, 0)]
    place = facts.schema.get_field_index("customer_segment")
    return facts.set_column(place, "customer_segment", pa.array(names, pa.string()))


def _outcome(plays: Plays, shop: ShopDecisions) -> Body:
    names, counts = np.unique(shop.situations.segment.astype(str), return_counts=True)
    by_name = dict(zip(names.tolist(), counts.tolist(), strict=True))
    found = plays.body()
    return {
        "total": found["total"],
        "plays": len(cast("list[Body]", found["plays"])),
        "segments": {rung.name: by_name.get(rung.name, 0) for rung in shop.policy.segments.active},
    }


def _consent(base: CustomerBase) -> Body | None:
    """Customers of whom it is known, and those of them who refuse; ``None`` where the store does not say."""
    users = base.store.table("users")
    if "accepts_marketing" not in users.columns:
        return None
    said = users.filter(users.accepts_marketing.notnull())
    (row,) = base.rows(said.aggregate(known=said.count(), refused=(~said.accepts_marketing).sum().coalesce(0)))
    return {"known": row["known"], "refused": row["refused"]} if row["known"] else None


def _named(parameter: str, values: Collection[str]) -> dict[str, int]:
    found = {}
    for value in values:
        name, _, number = value.rpartition(":")
        if not name or not number.isascii() or not number.isdigit() or len(number) > 15:
            raise InvalidParameter(f"{parameter}: {value[:60]!r} is not of the form NAME:NUMBER")
        found[name] = int(number)
    return found
