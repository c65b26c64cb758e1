"""The complete response about a customer is the same on every engine, to the cent."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING, Any

import ibis
import pytest
from tests.engines.conftest import SPARK, ZONES

from customer_revenue.choices import Breakdown
from customer_revenue.errors import CustomerNotFound
from customer_revenue.orders.store import open_store
from customer_revenue.periods import Period
from customer_revenue.revenue.view import VIEW_COLUMNS, VIEW_NAME
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.known_tables import feature_expression, known_at

if TYPE_CHECKING:
    from tests.engines.conftest import Stores

ENGINES = ("postgres", "mysql", SPARK)
MAX_CUSTOMERS = 100
MAX_ON_SPARK = 2
"""Maximum number of customers that are asked about one by one. The batch below has as many as on other engines."""


PERIODS = (Period.ALL_TIME, Period.LAST_12_MONTHS)


@pytest.fixture(scope="module")
def embedded(stores: Stores) -> Iterator[Callable[[str, str, Period], dict[str, object] | None]]:
    """The answers of the embedded store in a zone, each asked once for all engines."""
    with ExitStack() as opened:

        @cache
        def answers(zone: str) -> Answers:
            here = Answers.open(stores.settings("duckdb", zone))
            opened.callback(here.close)
            return here

        yield cache(lambda zone, user_id, period: _answer(answers(zone), user_id, period))


@pytest.mark.parametrize("periods", ["one", pytest.param("both", marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("engine", ENGINES)
def test_complete_response(
    stores: Stores,
    engine: str,
    zone: str,
    periods: str,
    embedded: Callable[[str, str, Period], dict[str, object] | None],
    same: Callable[[Any, Any], bool],
) -> None:
    """Each customer is asked about in each zone and in each period, by default in another period in the other zone."""
    settings = stores.settings("duckdb", zone)
    there = Answers.open(stores.settings(engine, zone))
    with open_store(settings.store, settings.store_options) as here:
        assert here.info.fingerprint == there.info.fingerprint
    asked = _some_customers(stores)
    for place, user_id in enumerate(asked[:MAX_ON_SPARK] if engine == "spark" else asked):
        for period in PERIODS if periods == "both" else [PERIODS[(place + ZONES.index(zone)) % 2]]:
            one, other = embedded(zone, user_id, period), _answer(there, user_id, period)
            assert same(one, other), (user_id, period, one, other)
    there.close()


def _some_customers(stores: Stores) -> list[str]:
    settings = stores.settings("duckdb")
    with open_store(settings.store, settings.store_options) as store:
        orders, refunds = store.tables.orders, store.tables.refunds
        known = store.fetch(orders.select("user_id").union(refunds.select("user_id"), distinct=True))
    ids = sorted(known.column("user_id").to_pylist())
    return random.Random(0).sample(ids, min(len(ids), MAX_CUSTOMERS))  # noqa: S311


@pytest.mark.parametrize("engine", ENGINES)
def test_many_customers_at_once(stores: Stores, engine: str, same: Callable[[Any, Any], bool]) -> None:
    here, there = (Answers.open(stores.settings(name)) for name in ("duckdb", engine))
    asked = _some_customers(stores)
    one, other = (each.batch(asked, Period.LAST_12_MONTHS) for each in (here, there))
    assert same(one, other), (one, other)
    here.close()
    there.close()


def _answer(answers: Answers, user_id: str, period: Period) -> dict[str, object] | None:
    try:
        return answers.customer(user_id, period, frozenset(Breakdown))
    except CustomerNotFound:  # in this zone the customer's first order is a day later
        return None


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("engine", ENGINES)
def test_features(stores: Stores, engine: str, zone: str, same: Callable[[Any, Any], bool]) -> None:
    found = []
    for name in ("duckdb", engine):
        settings = stores.settings(name, zone)
        with open_store(settings.store, settings.store_options) as store:
            when = store.as_of()
            features = feature_expression(known_at(store, when), ibis.literal(when.day, type="date"))
            found.append(store.fetch(features.order_by("customer_id")))
    assert found[0].schema == found[1].schema
    for column in found[0].column_names:
        one, other = (table.column(column).to_pylist() for table in found)
        assert same(one, other), (column, [pair for pair in zip(one, other, strict=True) if not same(*pair)])


@pytest.mark.parametrize("engine", ENGINES)
def test_view(stores: Stores, engine: str, same: Callable[[Any, Any], bool]) -> None:
    found = []
    for name in ("duckdb", engine):
        settings = stores.settings(name)
        with open_store(settings.store, settings.store_options) as store:
            orders = store.tables.orders.op()
            while not hasattr(orders, "namespace"):
                orders = orders.parent
            space = orders.namespace
            view = ibis.table(
                dict.fromkeys(VIEW_COLUMNS, "string"), name=VIEW_NAME, catalog=space.catalog, database=space.database
            )
            found.append(
                store.fetch(
                    view.select(
                        "user_id",
                        "total_orders",
                        "net_revenue_cents",
                        "first_purchase_date",
                        "customer_segment",
                        "activity_status",
                    ).order_by("user_id")
                ).to_pylist()
            )
    assert found[0]
    assert same(*found)
