"""Customers counted by what the probability models need of them, and samples of customers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from customer_revenue import lazy_ibis as ibis

if TYPE_CHECKING:
    import ibis.expr.types as ir


@cache
def _md5() -> Callable[[ir.StringValue], ir.StringValue]:
    """The hash that every engine has, in lower-case hexadecimal digits; declaring it imports Ibis."""

    def md5(text: str) -> str:  # type: ignore[empty-body]
        """Declared by its types alone."""

    declared: Callable[[ir.StringValue], ir.StringValue] = ibis.udf.scalar.builtin(md5, name="md5")
    return declared


def chosen_customers(orders: ir.Table, max_customers: int, salt: str) -> ir.Table:
    """A random sample of customers, the same every time and on every engine: ``user_id``.

    A hash of the id chooses, so that they are customers like the rest.

    Args:
        orders: of the customers to choose from.
        max_customers: size of the sample, or all customers if there are fewer.
        salt: another text gives another sample.
    """
    customers = orders.select("user_id").distinct()
    hashed = _md5()(ibis.literal(salt) + customers.user_id)
    return customers.order_by(hashed, customers.user_id).limit(max_customers)


@dataclass(frozen=True)
class Counts:
    """Queries over a feature expression: small results, however many customers there are."""

    totals: ir.Table
    """One row: ``customers``, ``total_cents``, ``refund_cents``."""
    histories: ir.Table
    """Distinct ``frequency``, ``recency_days``, ``T_days``; ``weights``, the customers; ``log_gap_sum``, their mean."""
    spends: ir.Table
    """Distinct ``spend_days`` and ``monetary_cents`` above zero, and ``weights``."""


def counts(features: ir.Table) -> Counts:
    """What the probability models are fitted to.

    Args:
        features: the expression of the behaviour of every customer.
    """
    spent = features.filter(features.spend_days > 0)
    return Counts(
        totals=features.aggregate(
            customers=features.count(), total_cents=features.total_cents.sum(), refund_cents=features.refund_cents.sum()
        ),
        histories=features.group_by("frequency", "recency_days", "T_days").aggregate(
            weights=features.count(), log_gap_sum=features.log_gap_sum.mean()
        ),
        spends=spent.group_by("spend_days", "monetary_cents").aggregate(weights=spent.count()),
    )
