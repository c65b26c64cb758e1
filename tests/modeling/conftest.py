"""A simulated shop, its feature rows and windows, and a predictor fitted on them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from functools import cache

import duckdb
import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pytest

from customer_revenue.features.behaviour import features
from customer_revenue.features.labels import labels
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.modeling.rolling_windows import Window, choose_cutoffs
from customer_revenue.tables import CANONICAL

FIRST_DAY = dt.date(2022, 1, 1)
AS_OF = dt.date(2023, 1, 31)
HORIZON_DAYS = 90
CUSTOMERS = 1_200


class Shop:
    """Orders in memory, seen through the feature queries."""

    def __init__(self, orders: pa.Table, refunds: pa.Table) -> None:
        self.connection = duckdb.connect()
        self.connection.register("orders", orders)
        self.connection.register("refunds", refunds)

    def features(self, day: dt.date = AS_OF) -> pa.Table:
        return self._run(features(_with_day("orders"), _with_day("refunds"), day))

    def labels(self, day: dt.date, horizons: Sequence[int]) -> pa.Table:
        return self._run(labels(_with_day("orders"), day, horizons))

    def _run(self, query: ir.Table) -> pa.Table:
        return self.connection.sql(ibis.to_sql(query.order_by("customer_id"), dialect="duckdb")).to_arrow_table()

    def windows(
        self, day: dt.date = AS_OF, horizon_days: int = HORIZON_DAYS, first_day: dt.date = FIRST_DAY, **given: int
    ) -> list[Window]:
        return [
            Window(
                plan.cutoff,
                plan.horizon_days,
                self.features(plan.cutoff),
                self.labels(plan.cutoff, plan.horizons_days),
                plan.of_other_quarter,
            )
            for plan in choose_cutoffs(first_day, day, horizon_days, **given)
        ]

    def predictor(self, day: dt.date = AS_OF, horizon_days: int = HORIZON_DAYS) -> Predictor:
        return Predictor(day, horizon_days, seed=7).fit(self.features(day), self.windows(day, horizon_days))


def _with_day(name: str) -> ir.Table:
    table = ibis.table(CANONICAL[name], name=name)
    return table.mutate(day=table.created_at.date())


def simulated_orders(customers: int, days: int, seed: int) -> pa.Table:
    """Orders of customers with their own rates, spends and ends, a tenth of them refunded in part."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, days * 2 // 3, customers)
    rate, life = rng.gamma(0.8, 1 / 30, customers), rng.exponential(200, customers)
    n = 1 + rng.poisson(rate * np.minimum(life, days - first))
    who = np.repeat(np.arange(customers), n)
    start = np.concatenate([[True], who[1:] != who[:-1]])
    later = (rng.random(len(who)) * np.minimum(life, days - first)[who]).astype(int)
    day = first[who] + np.where(start, 0, later)
    cents = np.exp(np.repeat(rng.normal(8, 0.6, customers), n) + rng.normal(0, 0.4, len(who))).astype(np.int64)
    moment = np.datetime64(FIRST_DAY, "us") + day.astype("timedelta64[D]") + np.timedelta64(10, "h")
    return pa.table(
        {
            "id": [f"o{i}" for i in range(len(who))],
            "user_id": [f"c{i:05d}" for i in who],
            "total_cents": cents,
            "status": ["refunded" if i % 37 == 0 else "paid" for i in range(len(who))],
            "created_at": moment,
        }
    )


def refunds_of(orders: pa.Table) -> pa.Table:
    """A refund of half of every eleventh order, five days later."""
    some = orders.take(np.arange(0, orders.num_rows, 11))
    moments = some.column("created_at").to_numpy() + np.timedelta64(5, "D")
    return pa.table(
        {
            "id": [f"r{i}" for i in range(some.num_rows)],
            "order_id": some.column("id"),
            "user_id": some.column("user_id"),
            "amount_cents": np.maximum(some.column("total_cents").to_numpy() // 2, 1),
            "created_at": moments,
        }
    )


def shop_of(orders: pa.Table, unit: int = 1) -> Shop:
    """The shop of some orders and their refunds, with money counted in another unit."""
    refunds = refunds_of(orders)
    return Shop(_scaled(orders, "total_cents", unit), _scaled(refunds, "amount_cents", unit))


def _scaled(table: pa.Table, name: str, unit: int) -> pa.Table:
    place = table.column_names.index(name)
    return table.set_column(place, name, pa.array(np.asarray(table.column(name)) * unit))


@pytest.fixture(scope="session")
def make_shop() -> Callable[..., Shop]:
    """A simulated shop of any size."""

    def make(customers: int = CUSTOMERS, days: int = 396, seed: int = 3) -> Shop:
        return shop_of(simulated_orders(customers, days, seed))

    return make


@pytest.fixture(scope="session")
def fitted(make_shop: Callable[..., Shop]) -> Callable[[int], tuple[Shop, Predictor]]:
    """A simulated shop of a number of customers with its predictor, the same for all. Not to be changed."""

    @cache
    def fit(customers: int) -> tuple[Shop, Predictor]:
        shop = make_shop(customers)
        return shop, shop.predictor()

    return fit


@pytest.fixture(scope="session")
def shop(make_shop: Callable[..., Shop]) -> Shop:
    return make_shop(CUSTOMERS)


@pytest.fixture(scope="session")
def predictor(fitted: Callable[[int], tuple[Shop, Predictor]]) -> Predictor:
    """Fitted on the shop."""
    return fitted(CUSTOMERS)[1]
