"""Check a shop's own database: what is left out of all figures, why, and what to do about it."""

from __future__ import annotations

from customer_revenue.orders.shop_checks import ShopFinding
from customer_revenue.orders.store import open_store
from customer_revenue.settings import Settings


def check_shop(settings: Settings) -> tuple[ShopFinding, ...]:
    """Return what was found wrong in a shop's own tables. A store of ours has nothing: its imports checked it.

    Raises:
        InvalidParameter: the mapping names a table or column that is not there.
        StoreError: the database cannot be read.
    """
    with open_store(settings.store, settings.store_options) as store:
        return store.findings


def findings_table(findings: tuple[ShopFinding, ...]) -> str:
    """Render findings as a table of text."""
    if not findings:
        return "Nothing is left out."
    rows = [("rows", "reason", "what", "remedy")]
    rows += [
        (f"{found.rows:,}", found.reason, found.meaning + ("" if found.is_left_out else " (counted)"), found.remedy)
        for found in findings
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        f"{rows_:>{widths[0]}}  {reason:<{widths[1]}}  {what:<{widths[2]}}  {remedy}"
        for rows_, reason, what, remedy in rows
    )


def findings_body(findings: tuple[ShopFinding, ...]) -> dict[str, object]:
    """Findings as plain objects."""
    return {
        "findings": [
            {
                "reason": found.reason,
                "rows": found.rows,
                "left_out": found.is_left_out,
                "meaning": found.meaning,
                "remedy": found.remedy,
            }
            for found in findings
        ]
    }
