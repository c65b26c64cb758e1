"""Rows of lists and reports as the answers have them: days as text, money in cents and in units, cohorts by name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from customer_revenue.choices import CohortUnit
from customer_revenue.currencies import in_units
from customer_revenue.revenue.cohorts import cohort_label
from customer_revenue.revenue.trends import growth_rate
from customer_revenue.workflows.bodies import Row


def listed_row(row: Row, currency: str) -> Row:
    """A customer of a list: days as text, cents whole, and the specification's field in currency units."""
    return with_units({name: _plain(name, value) for name, value in row.items()}, currency)


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, float) and name.endswith("_cents"):
        return round(value)
    return value.isoformat() if isinstance(value, dt.date) else value


def with_units(row: Row, currency: str) -> Row:
    """Money in cents and, where the specification has it, in units of the currency as well."""
    return row | {name.removesuffix("_cents"): in_units(row[name], currency) for name in _named_in_units(row)}


def _named_in_units(row: Iterable[str]) -> list[str]:
    specified = ("total_revenue_cents", "avg_revenue_per_customer_cents", "avg_customer_value_cents")
    return [name for name in row if name in specified]


def labelled(row: Row, unit: CohortUnit) -> Row:
    """A cohort by its label instead of its index."""
    return {"cohort": cohort_label(row["cohort_index"], unit)} | {
        name: value for name, value in row.items() if name != "cohort_index"
    }


def named_metrics(metrics: Row, currency: str) -> Row:
    """The widget's metrics with the specification's names; money in currency units."""
    return {
        "totalCustomers": metrics["total_customers"],
        "avgCustomerValue": in_units(metrics["avg_customer_value_cents"], currency),
        "topCustomerValue": in_units(metrics["top_customer_value_cents"], currency),
        "customerGrowthRate": growth_rate(metrics["new_customers"], metrics["new_customers_before"]),
    }
