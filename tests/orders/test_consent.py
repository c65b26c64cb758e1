"""Who does not accept marketing is known of one customer, of some and of all, on every engine."""

from __future__ import annotations

from contextlib import closing

import pytest
from tests.orders.conftest import Shop
from tests.tiers import ON_SERVERS

from customer_revenue.actions.barring import NO_CONSENT
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.customers.batch import barred_among

HEADER = "order_id,user_id,created_at,total,status,accepts_marketing"
LINES = ("1,ann,2023-03-01,5,paid,no", "2,bob,2023-04-01,6,paid,yes", "3,cay,2023-04-01,2,paid,")


@pytest.mark.parametrize("any_shop", ["duckdb", *ON_SERVERS], indirect=True)
def test_those_who_refuse_are_barred(any_shop: Shop) -> None:
    any_shop.load(*LINES, header=HEADER)
    with closing(Answers.open(any_shop.settings)) as answers:
        when, base = answers.when(None), answers.base()
        refusing = [name for name in ("ann", "bob", "cay") if answers.find(name, when).refuses_marketing()]
        assert refusing == ["ann"]
        assert barred_among(base.store, answers.limits, ["cay", "bob", "ann"], when) == {"ann": NO_CONSENT}
        assert barred_among(base.store, answers.limits, ["cay", "bob"], when) == {}
        assert base.barred == {"ann": NO_CONSENT}


def test_an_export_that_does_not_say_it_bars_nobody(shop: Shop) -> None:
    shop.load("1,ann,2023-03-01,5,paid", header="order_id,user_id,created_at,total,status")
    with closing(Answers.open(shop.settings)) as answers:
        assert not answers.find("ann", answers.when(None)).refuses_marketing()
        assert answers.base().barred == {}
