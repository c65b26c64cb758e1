"""What each customer has been worth, what they will be worth, and what to do about it.

>>> import customer_revenue as cr
>>> with cr.load_cdnow(sample=True) as orders:
...     model = cr.ProbabilityModel("mbg_nbd").fit(orders.features(as_of="1997-09-30"))
>>> model.name
'mbg_nbd'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from customer_revenue import plots
    from customer_revenue.errors import CustomerRevenueError
    from customer_revenue.library.arrow_tables import ArrowTables
    from customer_revenue.library.backtests import Backtest, backtest
    from customer_revenue.library.campaigns import Campaigns
    from customer_revenue.library.covariate_backtests import CovariateBacktest, backtest_covariates
    from customer_revenue.library.cross_validation import RollingOrigins, holdout_scorer
    from customer_revenue.library.customers import CustomerModel
    from customer_revenue.library.experiments import promote, rollback, train
    from customer_revenue.library.loading import NotImported, load_cdnow, load_orders
    from customer_revenue.library.money import (
        acquisition_costs,
        compare_policies,
        money_by_cohort,
        new_customers,
        recommend,
    )
    from customer_revenue.library.order_reports import order_sequence, refunds_to_come, segment_flows
    from customer_revenue.library.orders import Orders, open_store
    from customer_revenue.library.polars_tables import PolarsTables
    from customer_revenue.library.probability import FitWarning, ProbabilityModel
    from customer_revenue.modeling.cautions import Caution
    from customer_revenue.orders.files.simulate import Shop, simulate_orders
    from customer_revenue.settings import ModelOptions

__version__ = "0.1.0"

_NAMES = {
    "errors": ("CustomerRevenueError",),
    "library.arrow_tables": ("ArrowTables",),
    "library.backtests": ("Backtest", "backtest"),
    "library.campaigns": ("Campaigns",),
    "library.covariate_backtests": ("CovariateBacktest", "backtest_covariates"),
    "library.cross_validation": ("RollingOrigins", "holdout_scorer"),
    "library.customers": ("CustomerModel",),
    "library.experiments": ("promote", "rollback", "train"),
    "library.money": ("acquisition_costs", "compare_policies", "money_by_cohort", "new_customers", "recommend"),
    "library.loading": ("NotImported", "load_cdnow", "load_orders"),
    "library.order_reports": ("order_sequence", "refunds_to_come", "segment_flows"),
    "library.orders": ("Orders", "open_store"),
    "library.polars_tables": ("PolarsTables",),
    "library.probability": ("FitWarning", "ProbabilityModel"),
    "modeling.cautions": ("Caution",),
    "orders.files.simulate": ("Shop", "simulate_orders"),
    "settings": ("ModelOptions",),
}
"""The public names of each module. They are imported when they are first asked for: importing pandas takes longer than
anybody wants to wait for ``--help``."""

__all__ = [
    "ArrowTables",
    "Backtest",
    "Campaigns",
    "Caution",
    "CovariateBacktest",
    "CustomerModel",
    "CustomerRevenueError",
    "FitWarning",
    "ModelOptions",
    "NotImported",
    "Orders",
    "PolarsTables",
    "ProbabilityModel",
    "RollingOrigins",
    "Shop",
    "acquisition_costs",
    "backtest",
    "backtest_covariates",
    "compare_policies",
    "holdout_scorer",
    "load_cdnow",
    "load_orders",
    "money_by_cohort",
    "new_customers",
    "open_store",
    "order_sequence",
    "plots",
    "promote",
    "recommend",
    "refunds_to_come",
    "rollback",
    "segment_flows",
    "simulate_orders",
    "train",
]


def __getattr__(name: str) -> object:
    if name == "plots":
        return import_module("customer_revenue.plots")
    for module, names in _NAMES.items():
        if name in names:
            value = globals()[name] = getattr(import_module(f"customer_revenue.{module}"), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
