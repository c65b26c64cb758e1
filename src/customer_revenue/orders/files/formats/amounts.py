"""SQL for exact amounts of money."""

from __future__ import annotations


def line_amount(quantity: str, unit_price: str) -> str:
    """Return SQL for the exact product in units of the currency, null if a factor cannot be parsed."""
    return f"TRY_CAST({quantity} AS DECIMAL(14, 0)) * TRY_CAST({unit_price} AS DECIMAL(16, 6))"


def in_cents(amount: str) -> str:
    """Return SQL for an exact amount in whole cents, rounding half a cent away from zero."""
    return f"TRY_CAST(round({amount} * 100) AS BIGINT)"
