"""Back-tests: train on what was known at earlier days, compare with what happened after."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from customer_revenue import tracking
from customer_revenue.console import Report
from customer_revenue.errors import InvalidParameter, NotEnoughData
from customer_revenue.orders.store import Store, open_store
from customer_revenue.settings import RegistryOptions, Settings, load_settings
from customer_revenue.tables import BACKTEST_COLUMNS
from customer_revenue.workflows.evaluation.fold import BacktestFold, fold_cutoffs, group_document, predict_from
from customer_revenue.workflows.evaluation.metric_tables import (
    fold_table,
    group_tables,
    mean_figures,
    members_table,
    slices_table,
    summary_table,
)
from customer_revenue.workflows.exports import check_output, write_table
from customer_revenue.workflows.import_orders import import_orders
from customer_revenue.workflows.registry.tracking_delivery import deliver

MAX_BACKTEST_CUSTOMERS = 1_000_000
"""Maximum number of customers that are predicted and compared; of more, a sample of this size."""


@dataclass(frozen=True)
class BacktestResult:
    """The folds of a back-test, in the order of their cut-offs."""

    folds: Sequence[BacktestFold]
    output: Path | None

    def text(self) -> str:
        """The comparison as lines for people."""
        scored = [fold for fold in self.folds if fold.outcomes is not None]
        parts = [fold_table(fold) for fold in self.folds]
        parts += [members_table(scored[-1]), slices_table(scored[-1]), group_tables(scored[-1])] if scored else []
        parts += [summary_table(scored)] if len(scored) > 1 else []
        if self.output:
            parts.append(f"Predictions written to {self.output}")
        return "\n\n".join(parts)


def backtest(
    settings: Settings,
    files: Sequence[Path],
    cutoffs: Sequence[dt.date],
    origins: int,
    horizon_days: int,
    output: Path | None,
    report: Report,
) -> BacktestResult:
    """Train at each cut-off, predict the horizon after it, and compare.

    Args:
        settings: the store to test on, unless files are given.
        files: files to test on instead of a store.
        cutoffs: last days that training may know; chosen back from the end when there are none.
        origins: how many cut-offs to choose.
        horizon_days: how far to predict. A cut-off with less than that after it is only predicted from.
        output: file for the predictions, which takes exactly one cut-off.
        report: receives progress messages.

    Raises:
        NotEnoughData: no cut-off has customers before it.
        InvalidParameter: the output takes one cut-off, or its ending is unknown.
    """
    if output is not None:
        check_output(output)
        if len(cutoffs) > 1:
            raise InvalidParameter("a file of predictions is of one --cutoff")
    with _store_of(settings, files, report) as store:
        chosen = sorted(set(cutoffs)) or choose_origins(store, 1 if output else origins, horizon_days)
        folds = []
        for number, cutoff in enumerate(chosen):
            report(f"Back-test at {cutoff}, {horizon_days} days ahead", number / len(chosen))
            folds.append(predict_from(store, settings.fit_options, cutoff, horizon_days, MAX_BACKTEST_CUSTOMERS))
        if output is not None:
            write_table(backtest_rows(folds[0]), output)
        _track(settings.registry, store, folds, horizon_days)
    return BacktestResult(folds, output)


def choose_origins(store: Store, number: int, horizon_days: int) -> list[dt.date]:
    """Cut-offs back from the end of the store, a horizon apart or closer where the history is short.

    Raises:
        NotEnoughData: the history is not longer than the horizon.
    """
    first, last = store.info.first_day, store.as_of().day
    cutoffs = fold_cutoffs(first, last, number, horizon_days)
    if not cutoffs:
        raise NotEnoughData(f"a back-test of {horizon_days} days needs a longer history than {first} to {last}")
    return cutoffs


def backtest_rows(fold: BacktestFold) -> pa.Table:
    """The rows of a back-test's file."""
    return fold.predictions.select(BACKTEST_COLUMNS)


@contextmanager
def _store_of(settings: Settings, files: Sequence[Path], report: Report) -> Iterator[Store]:
    if not files:
        with open_store(settings.store, settings.store_options) as store:
            yield store
        return
    with TemporaryDirectory(prefix="customer-revenue-") as folder:
        own = load_settings(**{**settings.model_dump(), "store": f"duckdb:///{folder}/orders.duckdb"})
        import_orders(own, files, report=report)
        with open_store(own.store, own.store_options) as store:
            yield store


def _track(registry: RegistryOptions, store: Store, folds: Sequence[BacktestFold], horizon_days: int) -> None:
    figures = {str(fold.cutoff): fold.metrics() for fold in folds}
    parameters = {
        "horizon_days": horizon_days,
        "cutoffs": ", ".join(figures),
        "data_fingerprint": store.info.fingerprint,
        "store": store.info.url,
    }
    documents: dict[str, dict[str, Any]] = {"figures.json": figures, "group_scores.json": group_document(folds)}
    tracking.queue_backtest(registry, parameters, mean_figures(folds), documents)
    deliver(registry)
