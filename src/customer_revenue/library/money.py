"""Recommended actions, and what a new customer may cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pandas as pd

from customer_revenue.choices import CohortUnit
from customer_revenue.errors import InvalidParameter
from customer_revenue.library.customers import CustomerModel
from customer_revenue.library.frame_columns import DayLike, as_day, as_frame
from customer_revenue.library.orders import Orders
from customer_revenue.policy import load_policy
from customer_revenue.workflows.customer_base.analytics import CustomerBase
from customer_revenue.workflows.registry.bundles import LoadedModel

UNITS = {"month": CohortUnit.MONTH, "quarter": CohortUnit.QUARTER}


def recommend(orders: Orders, model: CustomerModel, limit: int = 100, as_of: DayLike | None = None) -> pd.DataFrame:
    """The most valuable actions among all customers, by descending value.

    Args:
        orders: the store.
        model: a model fitted to it.
        limit: maximum number of rows.
        as_of: day of the decision; by default the day of the model's fit.

    Returns:
        One row per action: ``customer_id``, ``code``, ``text``, ``reason``, ``expected_value_cents`` and more. Rules,
        uplifts and costs come from the policy.

    >>> import customer_revenue as cr
    >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
    >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
    ...     model = cr.CustomerModel(options=quick).fit(orders)
    ...     found = cr.recommend(orders, model, limit=5)
    >>> len(found), bool(found["expected_value_cents"].is_monotonic_decreasing)
    (5, True)
    """
    return as_frame(_base(orders, model, as_of).action_rows(limit, 0))


def acquisition_budget(
    orders: Orders, model: CustomerModel, by: str = "segment", as_of: DayLike | None = None
) -> pd.DataFrame:
    """Average lifetime value, and the maximum acquisition cost that leaves the policy's margin.

    Args:
        orders: the store.
        model: a model fitted to it.
        by: ``segment``, or the ``month`` or ``quarter`` of the first purchase.
        as_of: day of the decision; by default the day of the model's fit.

    Raises:
        InvalidParameter: ``by`` has another value.

    >>> import customer_revenue as cr
    >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
    >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
    ...     model = cr.CustomerModel(options=quick).fit(orders)
    ...     budget = cr.acquisition_budget(orders, model)
    >>> budget.columns.tolist()
    ['customer_segment', 'customers', 'avg_ltv_cents', 'max_acquisition_cost_cents']
    """
    if by != "segment" and by not in UNITS:
        raise InvalidParameter(f"by: {by!r} is not one of {', '.join(['segment', *UNITS])}", ["segment", *UNITS])
    found = _base(orders, model, as_of).acquisition(UNITS.get(by, CohortUnit.MONTH))
    return pd.DataFrame(cast("list[dict[str, Any]]", found["by_segment" if by == "segment" else "by_cohort"]))


def _base(orders: Orders, model: CustomerModel, as_of: DayLike | None) -> CustomerBase:
    when = orders.store.as_of(as_day(as_of) or model.as_of)
    loaded = LoadedModel(lambda: model.predictor_, "notebook", "", Path(), orders.info.currency)
    return CustomerBase(orders.store, when, load_policy(orders.settings.policy), loaded, None)
