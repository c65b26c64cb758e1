"""The same files, imported into a store on each engine."""

from __future__ import annotations

import csv
import datetime as dt
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.servers import ServerOf
from tests.tiers import RETAIL

from customer_revenue.settings import Settings
from customer_revenue.workflows.import_orders import import_orders

ORDERS = (
    "order_id,user_id,created_at,total_cents,status,product_id,product_name,quantity,amount_cents,user_name,user_email"
)
REFUNDS = "refund_id,user_id,created_at,amount_cents,order_id"
ODD_IDS = (
    "naïve/ü", "客戶", "a b%2F?", "🙂", "o'neil", 'say "hi"', "UPPER", "upper", "back\\slash", "100%s", "' OR 1=1 --",
    "{brace}", "a,b", ":colon", "null",
)  # fmt: skip
EDGES = (
    # Around midnight in Kolkata and in New York, on a leap day, twice in one second, before and after a silent year.
    ("edges", "2023-05-01T18:29:59Z"),
    ("edges", "2023-05-01T18:30:00Z"),
    ("edges", "2024-02-29T04:59:59Z"),
    ("edges", "2024-02-29T23:59:59.999999Z"),
    ("same second", "2024-06-01T00:00:00Z"),
    ("same second", "2024-06-01T00:00:00Z"),
    ("silent", "2023-06-30T12:00:00Z"),
    ("silent", "2024-07-01T12:00:00Z"),
    ("clocks", "2023-11-05T05:30:00Z"),
    ("clocks", "2023-11-05T06:30:00Z"),
    ("last day", "2024-12-15T23:59:59.999999Z"),
)
AS_OF = dt.date(2024, 12, 15)


SPARK = pytest.param("spark", marks=pytest.mark.slow)
"""Slow: each query is a job of about a second. The fast tests of Spark are in ``tests/orders/test_spark.py``."""


ZONES = ("Asia/Kolkata", "America/New_York")


class Stores:
    """The settings of stores that hold the same orders, by the name of their engine."""

    def __init__(self, urls: Mapping[str, str], models: Path, start_spark: Callable[[], object]) -> None:
        self._urls, self._models, self._start_spark = urls, models, start_spark

    def settings(self, engine: str, zone: str = "UTC") -> Settings:
        if engine == "spark":
            self._start_spark()
        return Settings(_env_file=None, store=self._urls[engine], timezone=zone, models=self._models)


def awkward_files(folder: Path, seed: int, customers: int = 90) -> list[Path]:
    """Orders with many edge cases, and a file of refunds."""
    rng = random.Random(seed)  # noqa: S311  # test data
    start = dt.datetime(2022, 11, 1, tzinfo=dt.UTC)
    orders = [_order(n, who, when, 12_345 + n, "paid") for n, (who, when) in enumerate(EDGES)]
    refunds: list[Sequence[object]] = [("only", "refunds only", "2024-03-01T00:00:00Z", 700, "")]
    for customer in (*ODD_IDS, *(f"user_{i}" for i in range(customers - len(ODD_IDS)))):
        moment = start + dt.timedelta(days=rng.randint(0, 600), seconds=rng.randint(0, 86_399))
        for _ in range(rng.choice([1, 1, 2, 3, 8, 20])):
            if moment.date() > AS_OF:
                break
            total = rng.choice([0, 1, 999, 10_000, 50_000, rng.randint(1, 400_000)])
            order = _order(
                len(orders) + 1_000,
                customer,
                moment.isoformat(),
                total,
                rng.choices(["paid", "refunded", "cancelled"], [8, 2, 1])[0],
            )
            lines = rng.choice([0, 1, 1, 2, 3])
            for line in range(lines):
                product = rng.choice("abcd")
                amount = rng.choice([total // (line + 2), total, 0])
                orders.append(
                    [*order[:5], product, rng.choice(["", f"Product {product}", "é'\""]), 1, amount, *order[9:]]
                )
            if not lines:
                orders.append(order)
            if total and rng.random() < 0.3:
                later = moment + dt.timedelta(days=rng.choice([0, 3, 40]))
                refunds.append((f"r{order[0]}", customer, later.isoformat(), rng.randint(1, total), order[0]))
            moment += dt.timedelta(days=rng.choice([0, 0, 1, 5, 29, 30, 31, 60, 120]), microseconds=rng.choice([0, 1]))
    return [_written(folder / "orders.csv", ORDERS, orders), _written(folder / "refunds.csv", REFUNDS, refunds)]


def _order(number: int, customer: str, moment: str, cents: int, status: str) -> list[object]:
    known = (
        ("", "") if number % 3 == 0 and customer.startswith("user") else (f"Name of {customer}", f"{customer}@x.org")
    )
    return [f"o{number}", customer, moment, cents, status, "", "", "", "", *known]


def _written(path: Path, header: str, rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header.split(","))
        writer.writerows(rows)
    return path


@pytest.fixture(scope="session", params=["awkward", pytest.param(RETAIL, marks=pytest.mark.slow)])
def stores(
    request: pytest.FixtureRequest, server_of: ServerOf, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stores]:
    """Each shop in a store on every engine."""
    for kind in ("postgres", "mysql"):
        server_of(kind)  # where it is missing, nothing else is made before the test is skipped
    models = request.getfixturevalue("trained_shop").folder / "models"
    folder = tmp_path_factory.mktemp("stores")
    retail = request.param == RETAIL
    files = [request.getfixturevalue("online_retail")] if retail else awkward_files(folder, seed=1)
    with ExitStack() as databases:
        urls = {"duckdb": f"duckdb:///{folder / 'orders.duckdb'}", "spark": f"spark:///{folder / 'spark'}"}
        urls |= {kind: databases.enter_context(server_of(kind).database()) for kind in ("postgres", "mysql")}
        for url in urls.values():
            summary = import_orders(
                Settings(_env_file=None, store=url), files, as_of=None if retail else AS_OF, report=lambda *_: None
            )
            assert retail or not summary.quarantined
        start_spark = partial(request.getfixturevalue, "spark_session")
        yield Stores(urls, models, start_spark)


@pytest.fixture(scope="session")
def same() -> Callable[[Any, Any], bool]:
    """Whether two answers are equal: text, dates and whole numbers exactly, other numbers to twelve digits."""
    return _same


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == pytest.approx(other, rel=1e-12, abs=1e-12)
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and one == other
