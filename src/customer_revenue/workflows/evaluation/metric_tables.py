"""Metrics of back-tests as text tables, and as metrics for MLflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from customer_revenue.modeling.bootstrap import paired_bootstrap
from customer_revenue.modeling.comparators import member_forecasts
from customer_revenue.modeling.forecast_names import BG_NBD, COVERAGE, OURS, PREFIXES
from customer_revenue.modeling.metrics import evaluate, slices
from customer_revenue.modeling.proper_scores import PIT_BINS
from customer_revenue.modeling.purchase_histories import column
from customer_revenue.modeling.score_groups import EVERYBODY
from customer_revenue.workflows.evaluation.fold import BacktestFold, slice_metrics
from customer_revenue.workflows.evaluation.metric_text import (
    Write,
    empty_table,
    shown_metrics,
    table_text,
    three_decimals,
)

GROUP_SCORES: Mapping[str, tuple[str, bool]] = {
    "crps": ("CRPS", False),
    "pinball": ("pinball", False),
    "interval_score": ("interval score", False),
    "width": ("width", False),
    "covered": ("held", True),
    "stated": ("stated", True),
    "below_low": ("below low", True),
    "below_median": ("below median", True),
    "above_high": ("above high", True),
    "pit_p": ("PIT, p", True),
}
"""The scores that are shown by group: words, and whether the value is a share."""

TRACKED_SCORES = tuple(
    f"{name}_{score}"
    for name in ("purchases", "revenue", "date")
    for score in ("crps", "pinball", "interval_score", "width")
    if (name, score) != ("date", "crps")
)
"""The scores of all customers that are figures of a run, next to the metrics."""


def fold_table(fold: BacktestFold, draws: int = 200) -> str:
    """One fold: every model's figures, and our difference to BG/NBD with its 95 % interval over customers."""
    title = f"Cut-off {fold.cutoff}, {fold.horizon_days} days, {fold.features.num_rows:,} customers"
    if fold.outcomes is None:
        return f"{title}: predicted only, for the horizon is not over in this store"
    metrics = fold.metrics()
    gaps = paired_bootstrap(fold.outcomes, fold.forecasts[OURS], fold.forecasts[BG_NBD], draws)
    models = list(metrics)
    table = empty_table(title, ["", *models, f"ours less {BG_NBD} (95 %)"])
    for name, (words, write) in shown_metrics(fold.currency).items():
        gap, low, high = gaps[name]
        difference = f"{write(gap)} ({write(low)} to {write(high)})"
        table.add_row(words, *(write(metrics[model][name]) for model in models), difference)
    return "\n".join([table_text(table), coverage_line(metrics[OURS])])


def coverage_line(figures: Mapping[str, float]) -> str:
    """How often the intervals held, next to their stated probability."""
    count, money, mass = (figures[name] for name in COVERAGE)
    return f"Intervals held for {count:.1%} of purchases and {money:.1%} of revenue; they state {mass:.1%}."


def members_table(fold: BacktestFold) -> str:
    """The members of our ensemble, each alone and with its weight, next to the ensemble."""
    assert fold.outcomes is not None
    forecasts = {
        OURS: fold.forecasts[OURS],
        **member_forecasts(fold.predictor, fold.features, fold.horizon_days),
    }
    weights = fold.predictor.weights()
    table = empty_table("The mix and its members", ["", *forecasts])
    table.add_row("weight", *("" if name == OURS else f"{weights[name]:.3f}" for name in forecasts))
    figures = {name: evaluate(fold.outcomes, forecast) for name, forecast in forecasts.items()}
    for name, (words, write) in shown_metrics(fold.currency).items():
        if name != "next_date_error_days":
            table.add_row(words, *(write(figures[model][name]) for model in forecasts))
    return table_text(table)


def slices_table(fold: BacktestFold) -> str:
    """One fold by slice of customers: errors of ours, BG/NBD and the naive rule."""
    groups = slices(*(column(fold.features, name) for name in ("frequency", "T_days", "total_cents")))
    table = empty_table(
        "By slice", ["", "customers", *(f"{what}: {m}" for what in ("log loss", "RMSE") for m in fold.forecasts)]
    )
    for name, rows in groups.items():
        figures = slice_metrics(fold, rows)
        losses = [three_decimals(figures[m]["probability_log_loss"]) for m in figures]
        errors = [three_decimals(figures[m]["purchases_rmse"]) for m in figures]
        table.add_row(name.replace("_", " "), f"{rows.sum():,}", *losses, *errors)
    return table_text(table)


def group_tables(fold: BacktestFold) -> str:
    """One fold by group: our proper scores, coverage, sharpness and PIT of purchases, revenue and dates."""
    scores = fold.group_scores
    tables = [_group_table(title, name, write, scores) for name, title, write in _scored(fold.currency)]
    everybody = scores[EVERYBODY]
    for name in ("purchases", "revenue"):
        shares = (f"{everybody[f'{name}_pit_{place}']:.3f}" for place in range(1, PIT_BINS + 1))
        tables.append(f"PIT of {name} in ten bins, each 0.100 if forecasts are right: {' '.join(shares)}")
    return "\n\n".join(tables)


def _scored(currency: str) -> tuple[tuple[str, str, Write], ...]:
    money = shown_metrics(currency)["revenue_mae"][1]
    return (
        ("purchases", "Purchases by group", three_decimals),
        ("revenue", "Revenue by group", money),
        ("date", "Days to the next purchase by group, of those who bought", three_decimals),
    )


def _group_table(title: str, name: str, write: Write, scores: Mapping[str, Mapping[str, float]]) -> str:
    """The scores of one quantity that it has."""
    shown = {score: column for score, column in GROUP_SCORES.items() if f"{name}_{score}" in scores[EVERYBODY]}
    table = empty_table(title, ["", "customers", *(words for words, _ in shown.values())])
    for group, found in scores.items():
        values = {score: found[f"{name}_{score}"] for score in shown}
        cells = [
            "" if np.isnan(value) else three_decimals(value) if shown[score][1] else write(value)
            for score, value in values.items()
        ]
        table.add_row(group, f"{found['buyers' if name == 'date' else 'customers']:,.0f}", *cells)
    return table_text(table)


def mean_figures(folds: Sequence[BacktestFold]) -> dict[str, float]:
    """Our figures, and those of the peers with a prefix, as means over the folds that have outcomes."""
    values: dict[str, list[float]] = {}
    for fold in folds:
        for model, figures in fold.metrics().items():
            for name, value in figures.items():
                values.setdefault(f"{PREFIXES[model]}{name}", []).append(value)
        for name in TRACKED_SCORES:
            values.setdefault(name, []).append(fold.group_scores.get(EVERYBODY, {}).get(name, float("nan")))
    means = {name: float(np.mean(found)) for name, found in values.items()}
    return {name: value for name, value in means.items() if np.isfinite(value)}


def summary_table(folds: Sequence[BacktestFold]) -> str:
    """The means over several folds."""
    scored = [fold for fold in folds if fold.outcomes is not None]
    means = mean_figures(scored)
    table = empty_table(f"Mean of {len(scored)} cut-offs", ["", *PREFIXES])
    for name, (words, write) in shown_metrics(folds[0].currency).items():
        cells = (means.get(f"{prefix}{name}") for prefix in PREFIXES.values())
        table.add_row(words, *("" if cell is None else write(cell) for cell in cells))
    return table_text(table)
