"""Plots of models and back-tests. Each draws on the axes that it is given, or on new ones, and returns them.

They take what the Python API gives: fitted models, frames, or plain arrays. ``docs/plots.md`` shows them all.
"""

from customer_revenue.plots.calibration import interval_coverage, reliability, tracking
from customer_revenue.plots.cohort_curves_and_heatmap import cohort_heatmap, cohort_money
from customer_revenue.plots.probability_matrices import (
    alive_history,
    frequency_recency_matrix,
    probability_alive_matrix,
)
from customer_revenue.plots.purchase_tracking import (
    cumulative_purchases,
    holdout_by_frequency,
    incremental_purchases,
    repeat_purchases,
)
from customer_revenue.plots.ranking import gain, lorenz
from customer_revenue.plots.shap_summary import shap_summary
from customer_revenue.plots.spend_distribution import spend_distribution

__all__ = [
    "alive_history",
    "cohort_heatmap",
    "cohort_money",
    "cumulative_purchases",
    "frequency_recency_matrix",
    "gain",
    "holdout_by_frequency",
    "incremental_purchases",
    "interval_coverage",
    "lorenz",
    "probability_alive_matrix",
    "reliability",
    "repeat_purchases",
    "shap_summary",
    "spend_distribution",
    "tracking",
]
