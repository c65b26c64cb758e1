"""The customers kept in memory are those of the store."""

from __future__ import annotations

import pytest
from tests.conftest import Shop

from customer_revenue.errors import CustomerNotFound
from customer_revenue.settings import Settings, load_settings
from customer_revenue.workflows.answers import Answers
from customer_revenue.workflows.queries import Breakdown

CUSTOMERS = ("user_123", "c0", "c7", "c77", "c777", "c799")
ALL = frozenset(Breakdown)


@pytest.fixture(scope="module")
def settings(trained_shop: Shop) -> Settings:
    folder = trained_shop.folder
    return load_settings(store=f"duckdb:///{folder}/data/orders.duckdb", models=folder / "models")


def test_an_answer_is_the_same_from_memory(settings: Settings) -> None:
    answers = Answers.open(settings)
    asked = [answers.customer(name, breakdowns=ALL) for name in CUSTOMERS]
    earlier = answers.customer("user_123", breakdowns=ALL, as_of="2023-07-01")
    answers.keep_day()
    assert answers.day_kept
    assert [answers.customer(name, breakdowns=ALL) for name in CUSTOMERS] == asked
    assert answers.customer("user_123", breakdowns=ALL, as_of="2023-07-01") == earlier
    for unknown in ("", "c", "c7\x00", "zzz", "客户"):
        with pytest.raises(CustomerNotFound):
            answers.customer(unknown)


def test_a_store_with_more_customers_than_allowed_is_asked(settings: Settings) -> None:
    answers = Answers.open(settings.model_copy(update={"customers_in_memory": 800}))
    answers.keep_day()
    assert not answers.day_kept
