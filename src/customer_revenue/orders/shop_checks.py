"""What a shop's own tables may contain that no figure must: found, left out, and reported with a remedy.

The rules are Ibis expressions over the mapped tables, so they are the same on every engine. An order that breaks one
stays in ``orders`` under the status ``STATUS_LEFT_OUT``, which never counts, so that its refunds do not count either.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from customer_revenue import lazy_ibis as ibis

if TYPE_CHECKING:
    import ibis.expr.types as ir


STATUS_LEFT_OUT = "left_out"
"""The status of an order that is left out of all figures."""

REMEDIES = {
    "missing_total": ("orders without a total", "fill in the total, or map another column"),
    "negative_total": ("orders with a negative total", "record them as refunds (tables.refunds)"),
    "other_currency": ("orders in another currency", "map a table or view that holds one currency"),
    "missing_date": ("orders without a date", "fill in the date, or map another column"),
    "doubled_id": ("orders whose id occurs more than once", "map a table or view with one row per order"),
    "unknown_status": ("orders with a status that is not mapped", "map the status in [statuses]"),
    "status_spelling": ("orders whose status has spaces around it or capitals", "none needed: they count as mapped"),
    "missing_refund": ("refunds without an amount", "fill in the amount, or map another column"),
    "negative_refund": ("refunds with a negative amount", "map a column or view with positive amounts"),
}
"""What each finding is about, and its remedy, in the order of the rules."""

DOUBLED = "doubled_id"

NOTES = ("status_spelling",)
"""Findings that leave nothing out."""


@dataclass(frozen=True)
class ShopFinding:
    """Rows of a shop's own tables that break a rule; each row is counted under the first one that it breaks."""

    reason: str
    rows: int

    @property
    def is_left_out(self) -> bool:
        """Whether the rows are in no figure."""
        return self.reason not in NOTES

    @property
    def meaning(self) -> str:
        """What the rows are."""
        return REMEDIES[self.reason][0]

    @property
    def remedy(self) -> str:
        """What to do about them."""
        return REMEDIES[self.reason][1]


def judged_orders(orders: ir.Table, words: Mapping[str, str], known: Collection[str], currency: str) -> ir.Table:
    """Normalize the status of a shop's orders, and add the ``reason`` of the first rule that an order breaks.

    Args:
        orders: the mapped orders, with ``currency`` if that is mapped.
        words: each mapped status in lower case, and the status that it means.
        known: the statuses that need no mapping.
        currency: the store's currency.
    """
    plain = orders.status.strip().lower()
    meaning = plain.cases(*words.items(), else_=plain) if words else plain
    rules = [
        (orders.total_cents.isnull(), "missing_total"),
        (orders.total_cents < 0, "negative_total"),
        (orders.created_at.isnull(), "missing_date"),
        (plain.isnull() | plain.notin([*known, *words]), "unknown_status"),
        (plain != orders.status, "status_spelling"),
    ]
    if "currency" in orders.columns:
        code = orders.currency.strip().upper()
        rules.insert(2, ((code != "") & (code != currency), "other_currency"))
    reason = ibis.cases(*rules, else_=ibis.null("string"))
    judged = orders.mutate(reason=reason, status=meaning.coalesce("unknown"))
    is_out = judged.reason.isin([name for name in REMEDIES if name not in (*NOTES, "unknown_status")])
    return judged.mutate(
        status=is_out.ifelse(STATUS_LEFT_OUT, judged.status), total_cents=is_out.ifelse(0, judged.total_cents)
    )


def without_doubled(orders: ir.Table) -> ir.Table:
    """Leave out every order whose id occurs more than once."""
    doubled = doubled_ids(orders).select(doubled_id="id")
    joined = orders.left_join(doubled, orders.id == doubled.doubled_id)
    is_doubled = joined.doubled_id.notnull()
    return joined.mutate(
        status=is_doubled.ifelse(STATUS_LEFT_OUT, joined.status),
        total_cents=is_doubled.ifelse(0, joined.total_cents),
        reason=is_doubled.ifelse(DOUBLED, joined.reason),
    ).drop("doubled_id")


def doubled_ids(orders: ir.Table) -> ir.Table:
    """The ids that occur more than once: ``id`` and ``n``, their number of rows."""
    counted = orders.group_by("id").aggregate(n=orders.count())
    return counted.filter(counted.n > 1)


def doubled_rows(orders: ir.Table) -> ir.Table:
    """One row with ``n``, the number of ids that occur more than once."""
    ids = doubled_ids(orders)
    return ids.aggregate(n=ids.count())


def judged_refunds(refunds: ir.Table) -> ir.Table:
    """Add the ``reason`` why a refund is left out."""
    rules = [(refunds.amount_cents.isnull(), "missing_refund"), (refunds.amount_cents < 0, "negative_refund")]
    return refunds.mutate(reason=ibis.cases(*rules, else_=ibis.null("string")))


def reason_counts(judged: ir.Table, reasons: Collection[str]) -> dict[str, ir.Scalar]:
    """The number of rows for each reason, as columns of an aggregate."""
    return {name: (judged.reason == name).ifelse(1, 0).sum().coalesce(0) for name in reasons}


def shop_findings(counts: Mapping[str, int]) -> tuple[ShopFinding, ...]:
    """The findings with rows, in the order of the rules."""
    return tuple(ShopFinding(name, int(counts[name])) for name in REMEDIES if counts.get(name))
