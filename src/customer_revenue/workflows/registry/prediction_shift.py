"""Whether another model says something absurd about the same customers: far more, or far less, than the one before."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

COMPARED_AMOUNTS = ("expected_purchases", "expected_revenue_cents", "estimated_ltv_cents")
COMPARED_CHANCES = ("next_purchase_probability", "churn_risk_score")
MOST_TIMES = 10.0
"""Between two models of one shop, what all customers together are expected to bring does not change tenfold."""
MOST_POINTS = 0.5
"""Nor does the mean of a chance by half of all that it can be."""


def absurd_shift(before: pa.Table, after: pa.Table) -> str:
    """What is absurd about a model's predictions compared with another's of the same customers; empty if nothing.

    >>> amounts, chances = ({name: values for name in names} for names, values in
    ...     ((COMPARED_AMOUNTS, [1.0, 3.0]), (COMPARED_CHANCES, [0.2, 0.3])))
    >>> before = pa.table(amounts | chances)
    >>> absurd_shift(before, before)
    ''
    >>> absurd_shift(before, before.set_column(0, COMPARED_AMOUNTS[0], pa.array([100.0, 60.0])))
    'expected_purchases of all customers together is 160, and was 4'
    """
    for name in COMPARED_AMOUNTS:
        was, now = (float(np.sum(table.column(name).to_numpy())) for table in (before, after))
        if not np.isfinite(now) or (was > 0 and not was / MOST_TIMES <= now <= was * MOST_TIMES):
            return f"{name} of all customers together is {now:.6g}, and was {was:.6g}"
    for name in COMPARED_CHANCES:
        was, now = (float(np.mean(table.column(name).to_numpy())) for table in (before, after))
        if not abs(now - was) <= MOST_POINTS:
            return f"the mean {name} is {now:.2f}, and was {was:.2f}"
    return ""
