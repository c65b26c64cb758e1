"""The tables that pass between packages: whoever reads one names only columns that it has."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from customer_revenue.actions import predictive_revenue, situations
from customer_revenue.modeling import design_matrix, shap_reasons
from customer_revenue.service import prediction_logging
from customer_revenue.tables import (
    BACKTEST_COLUMNS,
    FEATURE_COLUMNS,
    HORIZON_PREDICTIONS,
    PREDICTION_LOG_SCHEMA,
    PREDICTION_SCHEMA,
    SUMMARY_COLUMNS,
)
from customer_revenue.workflows.customer_base import analytics
from customer_revenue.workflows.customers import response
from customer_revenue.workflows.monitoring import checks, prediction_log
from customer_revenue.workflows.training import score

PREDICTIONS = PREDICTION_SCHEMA.names


@pytest.mark.parametrize(
    ("read", "table"),
    [
        (design_matrix.INPUT_COLUMNS, FEATURE_COLUMNS),
        (design_matrix.UNUSED_COLUMNS, FEATURE_COLUMNS),
        (shap_reasons.REASON_COLUMNS, FEATURE_COLUMNS),
        (checks.FEATURES, FEATURE_COLUMNS),
        (situations.FACTS, SUMMARY_COLUMNS),
        (response.SUMMARY_FIELDS, SUMMARY_COLUMNS),
        (response.SEGMENT_FIELDS, SUMMARY_COLUMNS),
        (situations.PREDICTIONS, PREDICTIONS),
        (predictive_revenue.INTERVAL_COLUMNS, PREDICTIONS),
        (analytics.PREDICTED_COLUMNS, PREDICTIONS),
        (checks.PREDICTED, PREDICTIONS),
        (score.SUMMED, PREDICTIONS),
        (HORIZON_PREDICTIONS, PREDICTIONS),
        (BACKTEST_COLUMNS, PREDICTIONS),
        # The answer, not the table, names the window of the churn score.
        (prediction_logging.LOGGED_COLUMNS, [*PREDICTIONS, *PREDICTION_LOG_SCHEMA.names, "churn_days"]),
        (prediction_log.KEY, PREDICTION_LOG_SCHEMA.names),
    ],
)
def test_a_reader_names_columns_that_the_table_has(read: Sequence[str], table: Sequence[str]) -> None:
    assert not set(read) - set(table)
    assert len(set(read)) == len(read)


@pytest.mark.parametrize("columns", [FEATURE_COLUMNS, SUMMARY_COLUMNS, PREDICTIONS, PREDICTION_LOG_SCHEMA.names])
def test_no_table_has_a_column_twice(columns: Sequence[str]) -> None:
    assert len(set(columns)) == len(columns)
