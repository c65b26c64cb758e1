"""The rows of imports that were not imported: counts by reason, each with its remedy, and a table to correct."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue.errors import InvalidParameter
from customer_revenue.orders.files.quarantine import REASONS
from customer_revenue.orders.store import open_store
from customer_revenue.settings import Settings

COLUMNS = ["source", "line", "reason", "user_id", "order_id", "refund_id", "raw", "header"]


def quarantined_rows(settings: Settings, reason: str | None = None, *, whole_orders: bool = False) -> pa.Table:
    """Return the quarantined rows.

    Their columns are ``COLUMNS``; ``raw`` is the text of the row, and ``header`` that of the first line of its file.

    Args:
        settings: the settings, which name the store.
        reason: only rows with this reason.
        whole_orders: with a reason, also the further rows of the orders with such a row, without which they cannot be
            imported.

    Raises:
        InvalidParameter: there is no such reason.
        StoreError: the store cannot be read.
    """
    if reason is not None and reason not in REASONS:
        raise InvalidParameter(f"reason: {reason[:40]!r} is not one of {', '.join(REASONS)}")
    with open_store(settings.store, settings.store_options) as store:
        rows = store.quarantine()
    if reason is not None:
        chosen = pc.equal(rows.column("reason"), reason)
        if whole_orders:
            orders = rows.filter(chosen).column("order_id").combine_chunks().drop_null()
            chosen = pc.or_(chosen, pc.is_in(rows.column("order_id"), value_set=orders))
        rows = rows.filter(chosen)
    return rows.select(COLUMNS)


def with_remedies(rows: pa.Table) -> pa.Table:
    """The rows with the column ``remedy``, what can be done, after their reasons."""
    remedies = pa.array([REASONS[found].remedy for found in rows.column("reason").to_pylist()], pa.string())
    return rows.add_column(COLUMNS.index("reason") + 1, "remedy", remedies)


def render_counts(rows: pa.Table) -> str:
    """Render the number of rows for each reason as text, with its meaning and its remedy."""
    counts = Counter(rows.column("reason").to_pylist())
    if not counts:
        return "The quarantine is empty."
    width = max(map(len, counts))
    lines = [
        f"{count:>9,}  {reason:<{width}}  {REASONS[reason].meaning}; {REASONS[reason].remedy}"
        for reason, count in counts.most_common()
    ]
    return "\n".join(lines)


def counts_body(rows: pa.Table) -> dict[str, object]:
    """The number of rows for each reason as plain objects."""
    counts = Counter(rows.column("reason").to_pylist())
    return {
        "quarantine": [
            {"reason": reason, "rows": count, "meaning": REASONS[reason].meaning, "remedy": REASONS[reason].remedy}
            for reason, count in counts.most_common()
        ]
    }
