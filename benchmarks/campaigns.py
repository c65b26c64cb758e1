"""A/A tests and planted effects: campaigns without and with an effect, replayed on real orders.

    python -m benchmarks.campaigns
    python -m benchmarks.campaigns --replays 200 --tasks cdnow-1997-09-30-90

In each replay customers are held out anew; what they ordered in the 30 days after the cut-off stays. An A/A campaign
should find an effect at its fixed date in 5 % of the replays, and with the sequential interval, looked at on every day,
in at most that. A planted effect is a tenth of the treated customers' mean number of orders, as single orders more.
"""

from __future__ import annotations

import argparse
import os

import numpy as np

from benchmarks.shops import TASKS, Task
from customer_revenue.actions.campaign_effect import difference, half_width
from customer_revenue.actions.holdout import held_out, power_of
from customer_revenue.arrays import Floats, Marks
from customer_revenue.workflows.feature_rows import feature_rows

DAYS = 30
HOLD_OUT = 0.5
PLANTED = 0.1
DEFAULT = ("cdnow-1997-09-30-90", "online-retail-2011-09-09-90")
COVARIATES = ("frequency", "purchases_30", "purchases_90", "purchases_365", "silence_days")


def outcomes(task: Task) -> tuple[Floats, Floats, Floats]:
    """Orders by customer and day after the cut-off, their number in the 30 days before, and the covariates."""
    with task.store() as store:
        features = feature_rows(store, store.as_of(task.cutoff))
        orders = store.tables.counted_orders().select("user_id", "day")
        rows = store.fetch(orders)
    ids = {customer: place for place, customer in enumerate(features["customer_id"].to_pylist())}
    after = (rows["day"].to_numpy().astype("datetime64[D]") - np.datetime64(task.cutoff)).astype(int)
    places = np.array([ids.get(customer, -1) for customer in rows["user_id"].to_pylist()])
    daily, before = np.zeros((len(ids), DAYS)), np.zeros(len(ids))
    ahead = (places >= 0) & (after >= 1) & (after <= DAYS)
    np.add.at(daily, (places[ahead], after[ahead] - 1), 1.0)
    recent = (places >= 0) & (after <= 0) & (after > -DAYS)
    np.add.at(before, places[recent], 1.0)
    covariates = np.column_stack([features[name].to_numpy() for name in COVARIATES]).astype(np.float64)
    return daily, before, np.column_stack([covariates, np.exp(-covariates[:, -1] / 60)])


def replayed(task: Task, replays: int) -> dict[str, float]:
    """The shares of replays that found an effect, and that covered it."""
    daily, before, covariates = outcomes(task)
    rng, count = np.random.default_rng(1), len(daily)
    ids = [str(place) for place in range(count)]
    strata = np.zeros(count, np.int64)
    cumulative = daily.cumsum(axis=1)
    total = cumulative[:, -1]
    planted = PLANTED * total.mean()
    found: dict[str, list[float]] = {name: [] for name in ("fixed", "sequential", "cut", "found", "covered", "power")}
    for _ in range(replays):
        treated = ~held_out(ids, strata, HOLD_OUT, rng.bytes(16))
        fixed = difference(total, treated, covariates)
        found["fixed"].append(fixed.is_significant)
        found["cut"].append(fixed.variance_cut)
        arms = 1 / treated.sum() + 1 / (~treated).sum()
        found["sequential"].append(_found_while_looking(cumulative, treated, covariates, before.var() * arms))
        lifted = total + treated * (rng.random(count) < planted)
        seen = difference(lifted, treated, covariates)
        found["found"].append(seen.is_significant)
        found["covered"].append(seen.low <= planted <= seen.high)
        found["power"].append(_power(planted, seen.spread))
    return {name: float(np.mean(values)) for name, values in found.items()}


def _found_while_looking(cumulative: Floats, treated: Marks, covariates: Floats, planned: float) -> bool:
    """Whether any day's look finds an effect: :func:`difference` of all days at once."""
    centred = covariates - covariates.mean(axis=0)
    means, variances = [], []
    for arm in (treated, ~treated):
        design = np.column_stack([np.ones(arm.sum()), centred[arm]])
        fitted, _, rank, _ = np.linalg.lstsq(design, cumulative[arm], rcond=None)
        residual = cumulative[arm] - design @ fitted
        means.append(fitted[0])
        variances.append((residual**2).sum(axis=0) / (len(residual) - rank) / len(residual))
    widths = [half_width(variance, planned) for variance in variances[0] + variances[1]]
    return bool((np.abs(means[0] - means[1]) > widths).any())


def _power(effect: float, spread: float) -> float:
    """The chance that an effect is found, given its standard error: that of two equal arms with this spread."""
    rate, size = 0.5, 0.5 / spread**2
    return power_of(100 * effect, rate, round(size), round(size)) if size < 1e12 else 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replays", type=int, default=1_000)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=DEFAULT)
    asked = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    print("| shop | A/A, fixed date | A/A, daily looks | variance cut | planted 10 %: found | power | covered |")
    print("|---|---|---|---|---|---|---|")
    for key in asked.tasks:
        share = replayed(TASKS[key], asked.replays)
        cells = (share[name] for name in ("fixed", "sequential", "cut", "found", "power", "covered"))
        print(f"| {key} | " + " | ".join(f"{100 * value:.1f} %" for value in cells) + " |", flush=True)


if __name__ == "__main__":
    main()
