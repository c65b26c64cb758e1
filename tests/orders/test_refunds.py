"""Refunds over several imports: withdrawn ones, those of orders that do not count, and any order of the files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import closing
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from customer_revenue.policy import load_policy
from customer_revenue.revenue.view import VIEW_NAME, customer_revenue_analysis
from customer_revenue.workflows.customers.answers import Answers

if TYPE_CHECKING:
    from tests.orders.conftest import Shop

ORDERS = "order_id,user_id,created_at,total,status"
WITH_REFUNDS = "order_id,user_id,created_at,total,status,refund_cents"
REFUND_FILE = "refund_id,user_id,created_at,amount_cents,order_id"
VIEWS = {VIEW_NAME: lambda known, day: customer_revenue_analysis(known, day, load_policy())}


def test_an_order_that_comes_again_withdraws_its_refund(shop: Shop) -> None:
    shop.load("u1-1,u1,2023-05-01,10,paid,300", "u1-2,u1,2023-05-01,10,paid,200", header=WITH_REFUNDS)
    shop.load("r,u1,2023-05-02,100,u1-1", header=REFUND_FILE)
    summary = shop.load("u1-1,u1,2023-05-01,10,paid,", header=WITH_REFUNDS)
    assert (summary.refunds_imported, summary.orders_unchanged) == (1, 1)
    assert sorted(shop.column("SELECT id FROM refunds")) == ["r", "refund:u1-2"], "a refund of a file of refunds stays"
    assert shop.load("u1-1,u1,2023-05-01,10,paid,", header=WITH_REFUNDS).refunds_imported == 0


def test_a_file_without_refunds_says_nothing_about_them(shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid,300", header=WITH_REFUNDS)
    shop.load("1,ann,2023-05-01,10,paid", header=ORDERS)
    assert shop.column("SELECT id FROM refunds") == ["refund:1"]


def test_files_of_one_command_withdraw_as_those_of_several(make_shop: Callable[..., Shop]) -> None:
    files = ("1,ann,2023-05-01,10,paid,300", "1,ann,2023-05-01,10,paid,")
    together, apart = make_shop("together"), make_shop("apart")
    together.files(*(together.file(line, header=WITH_REFUNDS) for line in files))
    for line in files:
        apart.load(line, header=WITH_REFUNDS)
    assert together.column("SELECT count(*) FROM refunds") == [0]
    assert together.contents() == apart.contents()


@pytest.mark.parametrize("status", ["cancelled", "unpaid", "voided"])
def test_the_refund_of_an_order_that_does_not_count_does_not_count(shop: Shop, status: str) -> None:
    shop.load(
        f"1,ann,2023-05-01,10,{status},300", "2,ann,2023-05-02,10,paid,", header=WITH_REFUNDS, views=VIEWS, live=True
    )
    shop.load("r,ann,2023-05-09,100,1", header=REFUND_FILE, views=VIEWS)
    with closing(Answers.open(shop.settings)) as answers:
        facts: Any = answers.customer("ann", include_predictions=False)["revenue_summary"]
        assert (facts["total_refunds_cents"], facts["net_revenue_cents"]) == (0, 1000)
        months: Any = answers.base().trends()["monthly_trends"]
        assert sum(month["refunds_cents"] for month in months) == 0
        features = answers.base().rows(_features(answers))
        assert [(row["refunds"], row["refund_cents"]) for row in features] == [(0, 0)]
        when = answers.when(None)
        timeline: Any = answers.detail.timeline(answers.find("ann", when), _all_time(), 10, 0)
        assert [row["id"] for row in timeline["timeline"]] == ["2"]
    assert shop.query(f"SELECT total_refunds_cents FROM {VIEW_NAME}") == [(0,)]


def test_the_order_of_the_files_does_not_matter(make_shop: Callable[..., Shop]) -> None:
    files = {
        "orders": (
            WITH_REFUNDS,
            "1,ann,2023-05-01,10,paid,300",
            "2,bob,2023-05-01,10,paid,",
            "3,eve,2023-05-01,5,void,",
        ),
        "refunds": (
            REFUND_FILE,
            "r1,ann,2023-05-02,700,1",
            "r2,ann,2023-05-03,1,1",
            "r3,ann,2023-05-03,1,2",
            "r4,bob,2023-05-03,1001,2",
            "r5,eve,2023-05-03,10,3",
            "r6,ann,2023-05-03,10,none",
        ),
    }
    found = []
    for number, names in enumerate([*permutations(files), *permutations(files)]):
        shop = make_shop(f"shop_{number}")
        paths = [shop.file(*files[name][1:], header=files[name][0]) for name in names]
        for command in [paths] if number < 2 else [[path] for path in paths]:
            summary = shop.files(*command)
        reasons = sorted(shop.query("SELECT reason, user_id FROM quarantine"))
        found.append((sorted(shop.query("SELECT id, amount_cents FROM refunds")), reasons))
        if names[0] == "refunds" or number < 2:
            assert summary.quarantined == {"refund_exceeds_total": 2, "refund_of_other_customer": 1}
    assert found[0] == (
        [("r1", 700), ("r5", 10), ("r6", 10), ("refund:1", 300)],
        [("refund_exceeds_total", "ann"), ("refund_exceeds_total", "bob"), ("refund_of_other_customer", "ann")],
    )
    assert all(each == found[0] for each in found)


@pytest.mark.parametrize(
    ("lines", "last"),
    [
        (("r,ann,2023-06-09,100,1",), dt.date(2023, 6, 9)),
        (("r,ann,2023-06-09,100,2",), dt.date(2023, 5, 1)),  # its order is cancelled
        ((), dt.date(2023, 5, 1)),
    ],
)
def test_the_last_day_is_that_of_what_counts(shop: Shop, lines: tuple[str, ...], last: dt.date) -> None:
    shop.load("1,ann,2023-05-01,10,paid", "2,ann,2023-05-08,10,cancelled", header=ORDERS, views=VIEWS)
    if lines:
        assert shop.load(*lines, header=REFUND_FILE, views=VIEWS).last_day == last
    with closing(Answers.open(shop.settings)) as answers:
        assert answers.info.last_day == answers.when(None).day == last
        body: Any = answers.customer("ann", include_predictions=False)
    assert body["revenue_summary"]["total_refunds_cents"] == (100 if last.month == 6 else 0)
    (status,) = shop.column(f"SELECT activity_status FROM {VIEW_NAME}")
    assert body["activity_status"] == status == ("active" if last.month == 6 else "highly_active")


def _features(answers: Answers) -> Any:
    from customer_revenue.workflows.known_tables import feature_expression

    base = answers.base()
    return feature_expression(base.known, base.when.day)


def _all_time() -> Any:
    from customer_revenue.periods import Period

    return Period.ALL_TIME
