"""The customers kept in memory are those of the store."""

from __future__ import annotations

import gc
import tempfile
import weakref
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any, cast

import pytest
from tests.conftest import EXAMPLE_ORDERS, Shop
from tests.servers import PostgresServer

from customer_revenue.choices import Breakdown, TopBy
from customer_revenue.errors import CustomerNotFound, StoreError
from customer_revenue.modeling.shop_forecast import ShopForecast
from customer_revenue.periods import Period
from customer_revenue.settings import Settings, load_settings
from customer_revenue.workflows.customer_base import forecasting
from customer_revenue.workflows.customers import freshness
from customer_revenue.workflows.customers.answers import Answers

CUSTOMERS = ("user_123", "c0", "c7", "c77", "c777", "c799")
ALL = frozenset(Breakdown)


@pytest.fixture(scope="module")
def settings(trained_shop: Shop) -> Settings:
    folder = trained_shop.folder
    return load_settings(store=f"duckdb:///{folder}/data/orders.duckdb", models=folder / "models")


def test_an_answer_is_the_same_from_memory(settings: Settings) -> None:
    answers, fresh = Answers.open(settings), Answers.open(settings)
    asked = [answers.customer(name, breakdowns=ALL) for name in CUSTOMERS]
    earlier = answers.customer("user_123", breakdowns=ALL, as_of="2023-07-01")
    answers.refresh_snapshot()
    assert answers.has_snapshot
    assert [answers.customer(name, breakdowns=ALL) for name in CUSTOMERS] == asked
    assert answers.customer("user_123", breakdowns=ALL, as_of="2023-07-01") == earlier
    for period in (Period.ALL_TIME, Period.LAST_6_MONTHS):
        for ids in (CUSTOMERS, (*CUSTOMERS, "nobody")):
            assert answers.batch(ids, period)["customers"] == fresh.batch(ids, period)["customers"]
    for unknown in ("", "c", "c7\x00", "zzz", "客户"):
        with pytest.raises(CustomerNotFound):
            answers.customer(unknown)


def test_a_store_that_was_replaced_is_closed_once_nothing_asks_it(settings: Settings) -> None:
    """Not when Python next looks for cycles, until which its cache would stay in memory."""
    gc.disable()
    try:
        answers = Answers.open(settings)
        answers.refresh_snapshot()
        answers.customer("user_123", as_of="2023-07-01", horizons_days=(30,))
        answers.batch(CUSTOMERS)
        answers.of_base(lambda base: base.widget(5))
        answers.of_dashboard(lambda dashboard: dashboard.base.segments())
        answers.advice("c7", lambda advisor, asked: advisor.forecast(asked, 3) | advisor.actions(asked))
        assert answers.detail.outlook(answers.find("c7", answers.when(None)))
        engine = weakref.ref(answers.store._engine)
        del answers
        assert engine() is None
    finally:
        gc.enable()


def test_charts_do_not_wait_for_the_forecast(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    answers, begun, may_end = Answers.open(settings), Event(), Event()

    def slow(*given: Any) -> ShopForecast:
        begun.set()
        assert may_end.wait(60)
        return shop_forecast(*given)

    shop_forecast = forecasting.shop_forecast
    monkeypatch.setattr(forecasting, "shop_forecast", slow)
    base = answers.base()
    with ThreadPoolExecutor(2) as threads:
        forecast = threads.submit(base.forecast, 3)
        assert begun.wait(60)
        charts = threads.submit(answers.of_dashboard, lambda page: page.overview.of(Period.ALL_TIME, ()))
        try:
            assert charts.result(60)["monthly"] == base.trends()["monthly_trends"]
            assert not forecast.done()
        finally:
            may_end.set()
        assert forecast.result(60)["path"]


def test_a_store_with_more_customers_than_allowed_is_asked(settings: Settings) -> None:
    answers = Answers.open(settings.model_copy(update={"customers_in_memory": 800}))
    answers.refresh_snapshot()
    assert not answers.has_snapshot


def test_customers_of_a_database_server_are_kept_until_it_changes(
    settings: Settings, postgres_server: PostgresServer, new_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "MAX_AGE_SECONDS", 3600)
    with postgres_server.database() as url:
        there = settings.model_copy(update={"store": url})

        def buys(number: int) -> None:
            lines = EXAMPLE_ORDERS + f"n{number},user_123,2023-12-11T10:00:00Z,{number},paid,,,,,,,\n"
            (new_shop.folder / "orders.csv").write_text(lines)
            new_shop.run("import", "orders.csv", "--as-of", "2023-12-15", "--store", url)

        buys(1)
        answers = Answers.open(there)
        asked = answers.customer("user_123", breakdowns=ALL)
        listed = answers.dashboard().base.top_customers(TopBy.TOTAL_REVENUE, 3, 0)
        answers.refresh_snapshot()
        assert answers.find("user_123", answers.when(None)).holds(Period.ALL_TIME, frozenset({Breakdown.MONTHLY}))
        assert answers.customer("user_123", breakdowns=ALL) == asked
        assert answers.base().store is not answers.base("2023-12-01").store  # a copy, in which this is faster
        assert answers.dashboard().base.top_customers(TopBy.TOTAL_REVENUE, 3, 0) == listed
        assert answers.reload_if_changed() is answers
        with monkeypatch.context() as full:
            full.setattr(tempfile, "tempdir", "/proc")  # where nothing can be written
            with pytest.raises(StoreError, match="could not be copied"):
                Answers.open(there).refresh_snapshot()
        buys(2)
        newer = answers.reload_if_changed()
        assert newer is not answers
        buys(3)
        with pytest.raises(StoreError, match="changed while it was read"):
            newer.refresh_snapshot()
        assert not newer.has_snapshot
        # What has been found to be out of date is asked of the store, however short ago it was read.
        assert [orders(answers), orders(newer)] == [13, 13]
        monkeypatch.setattr(freshness, "MAX_AGE_SECONDS", 0)
        assert not answers.find("user_123", answers.when(None)).holds(Period.ALL_TIME, frozenset())
        assert orders(answers) == 13


def orders(answers: Answers) -> object:
    return cast("dict[str, object]", answers.customer("user_123")["revenue_summary"])["total_orders"]
