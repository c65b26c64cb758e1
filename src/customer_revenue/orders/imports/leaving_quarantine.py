"""Which quarantined rows stay when files are merged into a store."""

# ruff: noqa: S608  # SQL is built from this package's own names
from __future__ import annotations

from customer_revenue.orders.files.export_columns import ROW_ID_SQL


def staying_rows(base: str, new: str) -> str:
    """Return SQL for the quarantined rows of ``base`` that ``new`` does not answer.

    An order that is imported answers all rows of the order, a refund all of the refund.
    """
    return f"""
        SELECT * FROM {base}.quarantine WHERE NOT (
            CASE WHEN refund_id IS NOT NULL THEN refund_id IN (SELECT id FROM {new}.refunds)
                WHEN order_id IS NOT NULL THEN order_id IN (SELECT id FROM {new}.orders) ELSE false END
            OR {ROW_ID_SQL} IN (SELECT id FROM {new}.answered)
        )
    """
