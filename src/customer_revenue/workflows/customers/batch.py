"""Many customers at once, of a store by their ids or of posted histories: one query per part of the response."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from customer_revenue import lazy_ibis as ibis
from customer_revenue.actions.barring import NO_CONSENT, BarredByDay, Barring
from customer_revenue.actions.terms import Terms
from customer_revenue.errors import InvalidParameter, NotEnoughData
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf, Period
from customer_revenue.policy import Policy
from customer_revenue.revenue.main_product import MainProduct, main_product, main_products
from customer_revenue.revenue.profit import NOTHING_EARNED, own_profits
from customer_revenue.revenue.summary import summary
from customer_revenue.spans import span
from customer_revenue.tables import Canonical, day_literal
from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.customer_base.base_queries import refusing_marketing
from customer_revenue.workflows.customer_base.shop_decisions import NOBODY
from customer_revenue.workflows.customer_base.snapshot import CustomerPredictions, CustomerSnapshot
from customer_revenue.workflows.customers.response import as_rows, customer_body, prediction_bodies
from customer_revenue.workflows.known_tables import CompleteOrders, feature_expression, first_day_of

if TYPE_CHECKING:
    import ibis.expr.types as ir


CUSTOMERS_AT_A_TIME = 1000
"""Customers of a batch that are computed at once: between two such parts it can be stopped."""

Item = TypeVar("Item")


def in_parts(items: Sequence[Item], between: Callable[[], None]) -> Iterator[Sequence[Item]]:
    """A batch in parts of at most :data:`CUSTOMERS_AT_A_TIME`; ``between`` is called before each, and may raise."""
    for start in range(0, len(items), CUSTOMERS_AT_A_TIME):
        between()
        yield items[start : start + CUSTOMERS_AT_A_TIME]


def uninterrupted() -> None:
    """Lets a batch go on."""


@dataclass(frozen=True)
class KeptParts:
    """What a snapshot holds of a customer next to facts and predictions, so that no query is made for it.

    Args:
        profit: cost and profit of all time, and what they rest on.
        product: the one that they bought most often.
        refuses_marketing: whether they do not accept marketing.
    """

    profit: Body
    product: MainProduct | None
    refuses_marketing: bool


def kept_parts(snapshot: CustomerSnapshot | None, customer_ids: Sequence[str], day: dt.date) -> Mapping[str, KeptParts]:
    """What a snapshot of a day holds of some customers, by their ids; empty unless it is of all of them."""
    if snapshot is None or snapshot.day != day:
        return NO_PARTS
    found: dict[str, KeptParts] = {}
    for customer in customer_ids:
        place = snapshot.place(customer)
        if place is None:
            return NO_PARTS
        product = main_product(snapshot.products(place))
        found[customer] = KeptParts(snapshot.profit(place), product, snapshot.refuses_marketing(place))
    return found


NO_PARTS: Mapping[str, KeptParts] = MappingProxyType({})


def _nobody_barred() -> Mapping[str, Barring]:
    return NOBODY


@dataclass(frozen=True)
class CustomerGroup:
    """Some customers as they were known at a moment.

    Args:
        known: canonical tables of these customers alone, up to ``when``.
        complete: orders and lines with the optional columns, of these customers and perhaps of others.
        fetch: runs an expression over them.
        when: the moment.
        policy: segments, stages, actions and offers.
        currency: code written after amounts.
        terms: gives what is the same for all decisions of the shop.
        barred: gives who must not be contacted, by their ids.
        kept: what is in memory of the customers, by their ids, if it is of all of them.
    """

    known: Canonical
    complete: CompleteOrders
    fetch: Callable[[ir.Table], pa.Table]
    when: AsOf
    policy: Policy
    currency: str
    terms: Callable[[], Terms] = Terms
    barred: Callable[[], Mapping[str, Barring]] = _nobody_barred
    kept: Mapping[str, KeptParts] = field(default_factory=dict)

    def bodies(self, period: Period, predictor: Predictor | None) -> dict[str, Body]:
        """What is known of each customer, by id: summary of the period, predictions if there is a predictor, segment.

        A customer without an order or a refund is left out.
        """
        facts, profits = self._facts(period), self._profits(period)
        predicted: dict[str, Body] = {}
        if predictor is not None:
            all_time = period is Period.ALL_TIME
            ever, earned = (
                (facts, profits) if all_time else (self._facts(Period.ALL_TIME), self._profits(Period.ALL_TIME))
            )
            with span("model.answer", customers=facts.num_rows):
                predicted = self._predictions(predictor, ever, earned)
        return {
            row["customer_id"]: customer_body(
                row,
                period,
                profit=profits.get(row["customer_id"], NOTHING_EARNED),
                predictions=predicted.get(row["customer_id"]),
                include_predictions=predictor is not None,
            )
            for row in as_rows(facts)
        }

    def _facts(self, period: Period) -> pa.Table:
        first_day = first_day_of(period, self.when)
        return self.fetch(summary(self.known, first_day, day_literal(self.when.day), self.policy))

    def _profits(self, period: Period) -> dict[str, Body]:
        if self.kept and period is Period.ALL_TIME:
            return {customer: parts.profit for customer, parts in self.kept.items()}
        first_day = first_day_of(period, self.when)
        rows = self.fetch(own_profits(self.known, self.complete.lines, self.policy.margin, first_day)).to_pylist()
        return {row.pop("customer_id"): row for row in rows}

    def _products(self) -> dict[str, MainProduct]:
        if self.kept:
            return {customer: parts.product for customer, parts in self.kept.items() if parts.product is not None}
        rows = self.fetch(main_products(self.known)).to_pylist()
        return {row["customer_id"]: MainProduct(row["product_id"], row["product_name"]) for row in rows}

    def _predictions(self, predictor: Predictor, facts: pa.Table, earned: dict[str, Body]) -> dict[str, Body]:
        features = self.fetch(feature_expression(self.known, self.when.day, predictor.covariates, self.complete))
        if not features.num_rows:
            return {}
        try:
            found = CustomerPredictions.of(predictor, features)
        except NotEnoughData:
            return {}
        products, shop, barred = self._products(), self.terms, self.barred()
        return prediction_bodies(predictor, facts, found, self.policy, self.currency, shop, earned, barred, products)


def barred_among(
    store: Store,
    limits: BarredByDay,
    customer_ids: Sequence[str],
    when: AsOf,
    kept: Mapping[str, KeptParts] = NO_PARTS,
) -> Mapping[str, Barring]:
    """Who of some customers must not be contacted, by their ids, and why.

    Args:
        store: says who does not accept marketing.
        limits: by the contact log and the campaigns that run.
        customer_ids: of the customers.
        when: the moment.
        kept: what is in memory of all of them, by their ids.
    """
    by_log = limits.barred(when.day)
    found = {customer: by_log[customer] for customer in customer_ids if customer in by_log}
    if kept:
        return found | {customer: NO_CONSENT for customer, parts in kept.items() if parts.refuses_marketing}
    refusing = refusing_marketing(replace(store.tables, users=store.table("users")))
    asked = ibis.memtable(pa.table({"asked": pa.array(customer_ids, pa.string())}))
    rows = store.fetch(refusing.semi_join(asked, refusing.customer_id == asked.asked))
    return found | dict.fromkeys(rows["customer_id"].to_pylist(), NO_CONSENT)


def in_order(ids: Sequence[str], found: dict[str, Body]) -> Body:
    """Bodies in the order asked for, one per id, and the list of unknown ids."""
    unknown = list(dict.fromkeys(name for name in ids if name not in found))
    return {"customers": [found[name] for name in ids if name in found], "unknown_customer_ids": unknown}


def check_count(number: int, maximum: int, what: str) -> None:
    """Refuse more than the limit, or nothing.

    Raises:
        InvalidParameter: states the limit.
    """
    if not 1 <= number <= maximum:
        raise InvalidParameter(f"{what}: from 1 to {maximum} in one call, not {number}")
