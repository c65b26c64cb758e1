"""Customers to be won: what each is expected to bring, and what they may cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from customer_revenue.arrays import numbers_of
from customer_revenue.choices import FirstDayBy
from customer_revenue.errors import NotEnoughData
from customer_revenue.modeling.new_customer_value import AGE_ENDS, VALUE_DAYS, WINDOW_DAYS, NewCustomerValue
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf, month_label
from customer_revenue.policy import Policy
from customer_revenue.revenue.arithmetic import first_of_month
from customer_revenue.workflows.bodies import Body, Row
from customer_revenue.workflows.customer_base.acquisition_costs import AcquisitionCost, read_costs
from customer_revenue.workflows.customer_base.first_day_groups import (
    FirstDayGroups,
    known_acquired,
    known_spread,
    known_values,
)
from customer_revenue.workflows.customer_base.profits import MarginRate

LTV_DAYS = 365
"""The lifetime value of a new customer in LTV:CAC is what they bring within so many days."""

DAYS_PER_PAYBACK_MONTH = 30


@dataclass(frozen=True)
class NewCustomers:
    """The customers acquired so far, in groups by what was known of them on their first day."""

    groups: FirstDayGroups
    acquired: pa.Table
    value: NewCustomerValue

    @classmethod
    def of(cls, store: Store, when: AsOf, by: FirstDayBy, window_days: int = WINDOW_DAYS) -> NewCustomers:
        """Read them out of a store.

        Args:
            store: the orders.
            when: the as-of moment; nothing later is used.
            by: what makes the groups.
            window_days: ages count that were over within so many days.

        Raises:
            NotEnoughData: nobody was won within them.
        """
        groups = FirstDayGroups.of(store, when, by)
        acquired = groups.fetch(store, when, known_acquired)
        if not (numbers_of(acquired["observed_days"]) < window_days).any():
            raise NotEnoughData(
                f"nobody was won in the {window_days:,} days up to {when.day}: there is nothing to learn from"
            )
        values, spread = (groups.fetch(store, when, build, window_days) for build in (known_values, known_spread))
        return cls(groups, acquired, NewCustomerValue.of(acquired, values, spread, window_days))

    @cached_property
    def by_month(self) -> dict[tuple[str, str], int]:
        """Customers acquired by group and month such as ``2023-01``."""
        sums: dict[tuple[str, str], int] = {}
        for level, cohort, count in zip(
            *(self.acquired[name].to_pylist() for name in ("level", "cohort", "customers")), strict=True
        ):
            key = (level, month_label(first_of_month(cohort)))
            sums[key] = sums.get(key, 0) + count
        return sums

    def place(self, level: str) -> int:
        """The row of a group, or of those with few customers that it belongs to."""
        levels = self.value.levels
        return levels.index(level) if level in levels else len(levels) - 1


def acquisition_body(
    store: Store, when: AsOf, policy: Policy, margin: MarginRate, by: FirstDayBy, payback_days: int, costs: Path | None
) -> Body:
    """What new customers are worth and may cost, as an answer.

    Args:
        store: the orders.
        when: the as-of moment.
        policy: share of the profit that must remain.
        margin: what is expected to remain of net revenue.
        by: what makes the groups.
        payback_days: within which the profit is to pay the cost.
        costs: file of what was spent by channel and month; None for no report of channels.

    Raises:
        NotEnoughData: nobody had bought by then.
        UnreadableFile: the file cannot be used.
    """
    everyone = NewCustomers.of(store, when, FirstDayBy.ALL)
    groups = everyone if by is FirstDayBy.ALL else NewCustomers.of(store, when, by)
    keep = (100 - policy.acquisition.margin_percent) / 100 * margin.share
    spent: list[Row] = []
    if costs is not None:
        rows = read_costs(costs, store.info.currency)
        channels = groups if by is FirstDayBy.CHANNEL else NewCustomers.of(store, when, FirstDayBy.CHANNEL)
        spent = channel_rows(rows, channels, margin)
    return {
        "by": by.value,
        "payback_days": payback_days,
        "margin_percent": margin.percent,
        "margin_basis": margin.basis,
        "all": _rows(everyone, margin, keep, payback_days)[0],
        "groups": [] if by is FirstDayBy.ALL else _rows(groups, margin, keep, payback_days),
        "channels": spent,
    }


def channel_rows(costs: Sequence[AcquisitionCost], channels: NewCustomers, margin: MarginRate) -> list[Row]:
    """Cost, new customers, LTV:CAC and payback of each channel and month of a file of costs.

    Args:
        costs: of the file.
        channels: the customers by channel.
        margin: what is expected to remain of net revenue.

    Returns:
        Rows in the order of the file: ``channel``, ``month``, ``cost_cents``, ``customers``, ``cac_cents`` (null
        without customers), ``ltv_profit_cents`` (expected of a new customer within a year), ``ltv_to_cac`` and
        ``payback_month``, the first month (of 30 days) after acquisition in whose course the profit reaches the cost;
        null where it does not within two years.
    """
    profit = channels.value.cumulative() * margin.share
    ltv = channels.value.cumulative([LTV_DAYS])[:, 0] * margin.share
    rows = []
    for cost in costs:
        place = channels.place(cost.channel)
        customers = channels.by_month.get((cost.channel, cost.month), 0)
        cac = cost.cost_cents / customers if customers else None
        rows.append(
            {
                "channel": cost.channel,
                "month": cost.month,
                "cost_cents": cost.cost_cents,
                "customers": customers,
                "cac_cents": None if cac is None else round(cac),
                "ltv_profit_cents": round(ltv[place]),
                "ltv_to_cac": round(ltv[place] / cac, 2) if cac else None,
                "payback_month": None if cac is None else _payback_month(profit[place], cac),
            }
        )
    return rows


def _payback_month(profit_cents: np.ndarray[tuple[int], np.dtype[np.float64]], cac_cents: float) -> int | None:
    days = np.arange(AGE_ENDS[-1] + 1)
    reached = np.nonzero(np.interp(days, AGE_ENDS, profit_cents) >= cac_cents)[0]
    return int(np.ceil(days[reached[0]] / DAYS_PER_PAYBACK_MONTH)) if len(reached) else None


def _rows(customers: NewCustomers, margin: MarginRate, keep: float, payback_days: int) -> list[Row]:
    value = customers.value
    middle, (low, high) = value.cumulative(VALUE_DAYS), value.interval(VALUE_DAYS)
    affordable = np.maximum(value.cumulative([payback_days])[:, 0], 0.0) * keep
    seen = [value.is_observed(days) for days in VALUE_DAYS]
    return [
        {
            "level": level,
            "customers": int(value.customers[row]),
            "values": [
                {
                    "days": days,
                    "net_revenue_cents": round(middle[row, column]),
                    "low_cents": round(low[row, column]),
                    "high_cents": round(high[row, column]),
                    "profit_cents": round(middle[row, column] * margin.share),
                    "is_observed": seen[column],
                }
                for column, days in enumerate(VALUE_DAYS)
            ],
            "max_acquisition_cost_cents": int(affordable[row]),
        }
        for row, level in enumerate(value.levels)
    ]
