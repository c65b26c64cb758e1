"""Every analytic of the customer base in one place.

Most are made from one table, :func:`customers`, that a caller may compute once and keep.
"""

from __future__ import annotations

from customer_revenue.choices import AtRiskBy, CohortUnit, TopBy
from customer_revenue.revenue.acquisition import acquisition_by_cohort, acquisition_by_segment
from customer_revenue.revenue.cohorts import TriangleRow, cohort_label, cohorts, fill_triangle, triangle
from customer_revenue.revenue.customer_lists import at_risk, revenue_at_risk, top_customers
from customer_revenue.revenue.distribution import (
    concentration,
    distribution,
    lorenz,
    purchase_frequency,
    segment_rows,
    stage_rows,
    stages,
)
from customer_revenue.revenue.rfm_groups import rfm, rfm_summary
from customer_revenue.revenue.trends import TrendRow, fill_trends, growth_rate, trends, widget_metrics
from customer_revenue.revenue.view import CUSTOMER_COLUMNS, customers

__all__ = [
    "CUSTOMER_COLUMNS",
    "AtRiskBy",
    "CohortUnit",
    "TopBy",
    "TrendRow",
    "TriangleRow",
    "acquisition_by_cohort",
    "acquisition_by_segment",
    "at_risk",
    "cohort_label",
    "cohorts",
    "concentration",
    "customers",
    "distribution",
    "fill_trends",
    "fill_triangle",
    "growth_rate",
    "lorenz",
    "purchase_frequency",
    "revenue_at_risk",
    "rfm",
    "rfm_summary",
    "segment_rows",
    "stage_rows",
    "stages",
    "top_customers",
    "trends",
    "triangle",
    "widget_metrics",
]
