"""SQL for exact amounts of money."""

from __future__ import annotations


def line_amount(quantity: str, unit_price: str) -> str:
    """Return SQL for the exact product in units of the currency, null if a factor cannot be parsed."""
    return f"TRY_CAST({quantity} AS DECIMAL(14, 0)) * TRY_CAST({unit_price} AS DECIMAL(16, 6))"


def in_cents(amount: str, minor_units: str = "minor_units") -> str:
    """Return SQL for an exact amount in whole minor units of its currency, rounding half a unit away from zero.

    Args:
        amount: SQL for the amount in units of the currency.
        minor_units: SQL for how many minor units it has; by default the column that every line of a file has.
    """
    return f"TRY_CAST(round({amount} * {minor_units}) AS BIGINT)"
