"""What templates of the policy say of a customer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from customer_revenue.actions.situations import Situations
from customer_revenue.actions.wording import Words

if TYPE_CHECKING:
    from tests.actions.conftest import Tables

CustomersOf = Callable[..., "Tables"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("orders", "10 orders"),
        ("rhythm", "37 days"),
        ("silence", "5 days"),
        ("last_purchase", "10 December 2023"),
        ("last_month", "December 2023"),
        ("risk", "15 %"),
        ("segment", "high value"),
        ("expected_revenue", "1,150.00"),
    ],
)
def test_templates_are_filled_with_the_customers_own_numbers(customers_of: CustomersOf, name: str, words: str) -> None:
    situations = Situations.of(*customers_of({}))
    assert Words(situations, 0)[name] == words
    with pytest.raises(KeyError):
        Words(situations, 0)["nothing"]


def test_one_is_not_many(customers_of: CustomersOf) -> None:
    assert Words(Situations.of(*customers_of({"total_orders": 1})), 0)["orders"] == "1 order"
