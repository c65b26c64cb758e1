"""The forecast of the shop from its months on simulated shops, and the mean of the last three.

    python -m benchmarks.simulated_months
    python -m benchmarks.simulated_months --seeds 20 --months 18 --shops "flat panel"

Customers come by the month, buy at rates and for lifetimes of their own, and the history begins when some of them have
bought for two years already. Mean absolute error and bias as shares of the mean month, and months in the 80 % band.
"""

from __future__ import annotations

import argparse
import datetime as dt
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from customer_revenue.arrays import Floats
from customer_revenue.modeling.shop_forecast import ShopForecast
from customer_revenue.modeling.shop_history import ShopHistory, month_ends_around
from customer_revenue.modeling.shop_outlook import ShopOutlook
from customer_revenue.periods import MONTHS_PER_YEAR

AS_OF = dt.date(2023, 12, 31)
AHEAD = 12
BEFORE = 24
"""Months of orders before the history."""
ORDER_CENTS, ORDER_SPREAD = 5_000, 0.6


@dataclass(frozen=True)
class Kind:
    """A kind of shop: new customers each month, what each buys, and how the level moves."""

    arrivals: float = 200.0
    growth: float = 0.0
    from_nothing: bool = False
    arrivals_until: int | None = None
    """Last month with new customers, counted from the beginning of the history, or back from its end if negative."""
    orders_per_month: float = 0.35
    dropout: float = 0.1
    season: float = 0.0
    jump: float = 0.0
    noise: float = 0.06


KINDS = {
    "stationary": Kind(),
    "seasonal": Kind(season=0.35),
    "growing": Kind(arrivals=60.0, growth=0.05, from_nothing=True),
    "flat panel": Kind(arrivals=60.0, arrivals_until=0, orders_per_month=4.0, dropout=0.004, noise=0.02),
    "level jumped": Kind(jump=0.4),
    "one cohort": Kind(arrivals=400.0, from_nothing=True, arrivals_until=3),
    "arrivals end": Kind(arrivals_until=-2),
    "noisy": Kind(noise=0.2),
}


def shop_months(kind: Kind, months: int, seed: int) -> tuple[pa.Table, Floats]:
    """Rows of cohorts, as ``daily_cohorts`` has them, and the revenue of the months and of a year more."""
    rng, month = np.random.default_rng(seed), np.arange(-BEFORE, months + AHEAD)
    wave = kind.season * np.sin(2 * np.pi * (month + rng.integers(MONTHS_PER_YEAR)) / MONTHS_PER_YEAR)
    level = np.exp(wave + kind.jump * (month >= months - 6) + kind.noise * rng.normal(size=len(month)))
    last = len(month) if kind.arrivals_until is None else kind.arrivals_until + (kind.arrivals_until < 0) * months
    open_months = (month < last) & (month >= (0 if kind.from_nothing else -BEFORE))
    moved = np.exp(wave + kind.jump * (month >= months - 6) + 0.08 * rng.normal(size=len(month)))
    coming = rng.poisson(kind.arrivals * np.exp(kind.growth * np.maximum(month, 0)) * moved * open_months)
    begun = np.repeat(np.arange(len(month)), coming)
    rates, life = (
        rng.gamma(1.0, kind.orders_per_month, len(begun)),
        rng.exponential(1 / rng.gamma(1.0, kind.dropout, len(begun))),
    )
    age = np.arange(len(month)) - begun[:, None]
    orders = rng.poisson(np.clip(life[:, None] - age, 0, 1) * (age >= 0) * rates[:, None] * level) + (age == 0)
    orders = orders[:, BEFORE:]
    orders = orders[orders.any(axis=1)]
    seen = (orders > 0).argmax(axis=1)
    count = np.zeros((months + AHEAD, months + AHEAD))
    np.add.at(count, seen, orders)
    scatter = rng.normal(size=count.shape) * ORDER_SPREAD / np.sqrt(np.maximum(count, 1))
    cents = count * ORDER_CENTS * np.exp(scatter)
    cohort, at = np.nonzero(count[:months, :months])
    rows = pa.table(
        {
            "cohort": cohort + AS_OF.year * MONTHS_PER_YEAR + AS_OF.month - months,
            "day": pa.array((month_ends_around(AS_OF, months, 0)[1:] - 15)[at]),
            "new_customers": np.where(cohort == at, np.bincount(seen, minlength=months)[cohort], 0),
            "orders": count[cohort, at].astype(np.int64),
            "revenue_cents": cents[cohort, at].astype(np.int64),
        }
    )
    return rows, cents.sum(axis=0)


def main() -> None:
    """Print a line for each kind of shop and length of its history."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shops", nargs="+", choices=KINDS, default=[*KINDS])
    parser.add_argument("--months", nargs="+", type=int, default=[8, 18, 30])
    parser.add_argument("--ahead", type=int, choices=range(1, AHEAD + 1), default=3)
    parser.add_argument("--seeds", type=int, default=8)
    asked = parser.parse_args()
    ahead = slice(0, asked.ahead)
    for months in asked.months:
        for name in asked.shops:
            errors, simple, inside = [], [], []
            for seed in range(asked.seeds):
                rows, truth = shop_months(KINDS[name], months, seed)
                outlook = ShopOutlook(ShopHistory.of(rows, AS_OF, AHEAD), AHEAD)
                known, came = outlook.parts.last.known, truth[months:][ahead]
                found = ShopForecast(outlook, known / ORDER_CENTS, known, known, 1.0, 1.0).months
                low, high = (found[f"total_{end}_cents"].to_numpy()[ahead] for end in ("low", "high"))
                total = found["known_revenue_cents"].to_numpy() + found["new_revenue_cents"].to_numpy()
                errors.append((total[ahead] - came) / came.mean())
                simple.append((truth[months - 3 : months].mean() - came) / came.mean())
                inside.append((low <= came) & (came <= high))
            of_ours, of_mean = (
                f"MAE {np.abs(found).mean():6.1%} bias {np.mean(found):+6.1%}" for found in (errors, simple)
            )
            print(
                f"{months:3} {name:13} {of_ours} | mean of three {of_mean} | {np.mean(inside):.0%} inside", flush=True
            )


if __name__ == "__main__":
    main()
