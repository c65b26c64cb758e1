"""Plays: what the decisions of a day come to when those with the same action are taken together as one campaign."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from math import hypot

import numpy as np

from customer_revenue.actions.discounts import Discounts
from customer_revenue.actions.holdout import customers_needed, detectable_points, power_of
from customer_revenue.arrays import Ints
from customer_revenue.errors import CampaignNotFound
from customer_revenue.policy import Rule, believed_of
from customer_revenue.workflows.bodies import Body, Row
from customer_revenue.workflows.campaigns.audience import Chosen, barred, reachable
from customer_revenue.workflows.campaigns.campaign_file import CampaignFile
from customer_revenue.workflows.customer_base.analytics import CustomerBase
from customer_revenue.workflows.customer_base.shop_decisions import ShopDecisions

HOLD_OUTS = (0.05, 0.1, 0.2, 0.3, 0.5)
USUAL_HOLD_OUT = 0.2
PREVIEWED = 12
BASES = ("measured", "published", "assumed")
"""What effects rest on; a total rests on the weakest of its parts."""


class Plays:
    """The plays of a customer base's day. Customers who may not be contacted are counted, and left out of all sums.

    Args:
        base: the customers and their decisions.
        file: of campaigns and contacts.
        decided: the decisions, where they are others than the base's.

    Raises:
        ModelError: there is no model.
    """

    def __init__(self, base: CustomerBase, file: CampaignFile, decided: ShopDecisions | None = None) -> None:
        self._base, self._shop = base, decided or base.decisions
        self._barred = list(barred(base, self._shop, file))

    def body(self) -> Body:
        """All plays, the most profitable first, with their total.

        The effects of two plays are drawn apart where they are different ones of the policy, and are one and the same
        where both rest on it: the half-widths of their intervals are added within an effect, and their squares across.
        """
        found = sorted(self._all(), key=lambda play: -play["profit_cents"])
        shop = self._shop
        spreads: dict[object, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for play in found:
            spread = spreads[play["effect"]]
            spread[0] += float(play["profit_cents"] - play["profit_low_cents"])
            spread[1] += float(play["profit_high_cents"] - play["profit_cents"])
        sums = {name: _total(found, name) for name in ("customers", "gain_cents", "cost_cents", "profit_cents")}
        below, above = (hypot(*(one[side] for one in spreads.values())) for side in (0, 1))
        return {
            "plays": found,
            "total": {
                **sums,
                "profit_low_cents": round(sums["profit_cents"] - below),
                "profit_high_cents": round(sums["profit_cents"] + above),
                "basis": max((str(play["basis"]) for play in found), key=BASES.index, default=BASES[0]),
            },
            "customers_considered": len(shop.situations),
            "customers_left_alone": int((~shop.all.acts).sum()),
            "expected_revenue_cents": round(float(shop.situations.month_revenue_cents.sum())),
            "most_promised_percent": shop.policy.decisions.most_promised_percent,
            "effect_scale": round(shop.all.scale, 4),
            **self._margin(),
        }

    def play(self, code: str) -> Body:
        """One play with what each hold-out share can find, and the customers with the highest expected profit.

        Raises:
            CampaignNotFound: nobody's decision has this action today.
        """
        position = next((n for n, rule in enumerate(self._rules) if rule.code == code), -1)
        wanted = self._shop.all.rule == position if position >= 0 else np.zeros(len(self._shop.situations), np.bool_)
        if not wanted.any():
            raise CampaignNotFound(f"play: {code[:60]!r} is nobody's decision on {self._base.when.day}")
        chosen = reachable(wanted, self._barred)
        row, places = self._row(position, chosen), chosen.places
        points, rate = _expected(self._shop, self._rules[position], places)
        ids = self._shop.situations.facts["customer_id"].take(places).combine_chunks()
        preview = self._base.action_rows(PREVIEWED, 0, ids).to_pylist() if len(places) else []
        return {
            "play": row,
            "hold_outs": [_power(share, len(places), points, rate) for share in HOLD_OUTS] if len(places) else [],
            "preview": preview,
            **self._margin(),
        }

    @property
    def _rules(self) -> tuple[Rule, ...]:
        return tuple(self._shop.policy.actions.rules)

    def _margin(self) -> Body:
        rate = self._base.reports.margin
        return {"margin_percent": round(100 * rate.share, 2), "margin_basis": rate.basis}

    def _all(self) -> Iterator[Row]:
        decided = self._shop.all.rule
        for position in np.unique(decided[decided >= 0]).tolist():
            yield self._row(position, reachable(decided == position, self._barred))

    def _row(self, position: int, chosen: Chosen) -> Row:
        shop, rule, places = self._shop, self._rules[position], chosen.places
        decided = shop.all.at(places)
        effect = believed_of(rule, shop.policy)
        return {
            "code": rule.code,
            "text": rule.text,
            "channel": rule.channel,
            "priority": rule.priority,
            "customers": len(places),
            "left_out": chosen.left_out,
            **{
                f"{name}_cents": round(float(getattr(decided, column).sum()))
                for name, column in (
                    ("gain", "gain_cents"),
                    ("cost", "cost_cents"),
                    ("profit", "profit_cents"),
                    ("profit_low", "low_cents"),
                    ("profit_high", "high_cents"),
                )
            },
            "effect": rule.effect,
            "basis": effect.basis,
            "source": effect.source,
            "conversion_points": effect.conversion_points,
            **_audience(shop, rule, places),
            **_test(shop, rule, places),
        }


def _audience(shop: ShopDecisions, rule: Rule, places: Ints) -> Row:
    """Who the customers of a play are."""
    if not len(places):
        return {"segments": {}, "median_silence_days": None, "median_orders": None, "discount_percent": None}
    situations = shop.situations.take(places)
    names, counts = np.unique(situations.segment.astype(str), return_counts=True)
    by_name = dict(zip(names.tolist(), counts.tolist(), strict=True))
    offered = Discounts(situations, shop.policy).share if rule.needs_discount else np.zeros(len(places))
    return {
        "segments": {rung.name: by_name[rung.name] for rung in shop.policy.segments.active if rung.name in by_name},
        "median_silence_days": round(float(np.median(situations.silence_days))),
        "median_orders": round(float(np.median(situations.orders))),
        "discount_percent": round(100 * float(offered.mean()), 1),
    }


def _expected(shop: ShopDecisions, rule: Rule, places: Ints) -> tuple[float, float]:
    """Further buyers in points, and the share of buyers without the play; zeros for nobody."""
    if not len(places):
        return 0.0, 0.0
    situations = shop.situations.take(places)
    points = believed_of(rule, shop.policy).conversion_points * float(situations.persuadable.mean())
    return points, float(situations.soon.mean())


def _test(shop: ShopDecisions, rule: Rule, places: Ints) -> Row:
    """What a campaign with the usual hold-out can find, and how many customers it would need."""
    points, rate = _expected(shop, rule, places)
    return {
        "buyers_anyway_percent": round(100 * rate, 2),
        "believed_points": round(points, 4),
        "hold_out": _power(USUAL_HOLD_OUT, len(places), points, rate),
        "customers_needed": customers_needed(points, rate, USUAL_HOLD_OUT),
    }


def _power(share: float, customers: int, points: float, rate: float) -> Row:
    """What holding out a share of the customers can find; nulls where an arm would be empty."""
    held = round(share * customers)
    treated = customers - held
    known = min(held, treated) > 0
    return {
        "share": share,
        "treated": treated,
        "held_out": held,
        "detectable_points": round(detectable_points(rate, treated, held), 4) if known else None,
        "chance_to_find_percent": round(100 * power_of(points, rate, treated, held), 1) if known else None,
    }


def _total(plays: list[Row], name: str) -> int:
    return sum(int(play[name]) for play in plays)
