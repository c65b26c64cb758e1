"""The revenue summary: its twin, its periods, its edges."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

import ibis
import pytest

from customer_revenue.periods import BEGINNING, Period
from customer_revenue.policy import Policy, load_policy
from customer_revenue.revenue.summary import summary
from customer_revenue.tables import SUMMARY_COLUMNS

if TYPE_CHECKING:
    from tests.revenue.conftest import Shop

AS_OF = dt.date(2023, 12, 15)


def day(value: dt.date) -> ibis.expr.types.DateScalar:
    literal = ibis.literal(value, type="date")
    assert isinstance(literal, ibis.expr.types.DateScalar)
    return literal


@pytest.mark.parametrize("period", Period)
def test_summary_equals_its_twin(shop: Shop, policy: Policy, period: Period) -> None:
    first_day = period.first_day(shop.as_of)
    expected = shop.twin(shop.summary_sql(first_day))
    assert shop.rows(summary(shop.known, day(first_day), shop.as_of_day, policy), "customer_id") == expected


@pytest.mark.parametrize("period", Period)
def test_segments_on_net_revenue_are_those_of_all_time(shop: Shop, policy: Policy, period: Period) -> None:
    net = load_policy()
    assert net.segments.is_net
    of_all_time = shop.dicts(summary(shop.known, None, shop.as_of_day, net))
    for row in of_all_time:
        cents = row["net_revenue_cents"]
        reached = [rung.name for rung in net.segments.active if cents >= rung.from_total_revenue_cents]
        assert row["customer_segment"] == (reached[0] if reached else net.segments.active[-1].name)
    of_period = shop.dicts(summary(shop.known, day(period.first_day(shop.as_of)), shop.as_of_day, net))
    assert {row["customer_id"]: row["customer_segment"] for row in of_period} == {
        row["customer_id"]: row["customer_segment"] for row in of_all_time
    }


@pytest.mark.parametrize("period", Period)
def test_net_revenue_of_all_time_counts_each_refund_once_in_every_period(
    shop_of: Callable[..., Shop], period: Period
) -> None:
    # At 100,000 cents a customer is of high value: each of these is on one side only where each refund counts once.
    orders = [
        ("1", "whole order, then its refund", 100_600, "paid", "2023-05-01"),
        ("2", "whole order, then its refund", 50_000, "refunded", "2023-02-01"),
        ("3", "long ago", 100_400, "paid", "2023-02-01"),
        ("4", "lately", 100_900, "paid", "2023-12-01"),
        ("5", "lately below", 100_400, "paid", "2023-12-01"),
    ]
    refunds = [
        ("r1", "2", "whole order, then its refund", 50_000, "2023-02-03"),
        ("r2", None, "whole order, then its refund", 500, "2023-03-01"),
        ("r3", None, "long ago", 500, "2023-03-01"),
        ("r4", "4", "lately", 500, "2023-12-02"),
        ("r5", "5", "lately below", 500, "2023-12-02"),
    ]
    shop = shop_of(AS_OF, orders, refunds=refunds)
    rows = shop.dicts(summary(shop.known, day(period.first_day(AS_OF)), shop.as_of_day, load_policy()))
    assert {row["customer_id"]: row["customer_segment"] for row in rows} == {
        "whole order, then its refund": "high_value",
        "long ago": "medium_value",
        "lately": "high_value",
        "lately below": "medium_value",
    }


def test_what_is_refunded_as_a_whole_on_the_first_day_counts_once(shop_of: Callable[..., Shop], policy: Policy) -> None:
    first_day = dt.date(2023, 11, 15)
    shop = shop_of(
        AS_OF,
        [("1", "u", 700, "refunded", "2023-11-15"), ("2", "v", 700, "refunded", "2023-11-14")],
        refunds=[("r1", "1", "u", 700, "2023-11-20"), ("r2", "2", "v", 700, "2023-11-20")],
    )
    rows = shop.dicts(summary(shop.known, day(first_day), shop.as_of_day, policy))
    # The order of the day before is outside of the period, where its refund counts on its own day.
    assert {row["customer_id"]: row["total_refunds_cents"] for row in rows} == {"u": 700, "v": 700}
    assert {row["customer_id"]: row["total_revenue_cents"] for row in rows} == {"u": 700, "v": 0}


def test_all_time_needs_no_first_day(shop: Shop, policy: Policy) -> None:
    with_day = summary(shop.known, day(BEGINNING), shop.as_of_day, policy)
    without = summary(shop.known, None, shop.as_of_day, policy)
    assert without.columns == SUMMARY_COLUMNS
    assert shop.rows(without, "customer_id") == shop.rows(with_day, "customer_id")


def test_one_customer_is_that_row_of_all(shop: Shop, policy: Policy) -> None:
    everyone = shop.rows(summary(shop.known, None, shop.as_of_day, policy), "customer_id")
    for row in everyone[:12]:
        known = shop.known.of_customer(ibis.literal(row[0]))
        assert shop.rows(summary(known, None, shop.as_of_day, policy)) == [row]


@pytest.mark.parametrize(
    ("first_purchase", "last_purchase", "stage", "status"),
    [
        ("2023-12-15", "2023-12-15", "new", "highly_active"),
        ("2023-11-16", "2023-11-16", "new", "highly_active"),
        ("2023-11-15", "2023-11-15", "active", "highly_active"),
        ("2023-01-01", "2023-11-14", "active", "active"),
        ("2023-01-01", "2023-10-17", "active", "active"),
        ("2023-01-01", "2023-10-16", "at_risk", "active"),
        ("2023-01-01", "2023-10-15", "at_risk", "declining"),
        ("2023-01-01", "2023-09-16", "at_risk", "declining"),
        ("2023-01-01", "2023-09-15", "at_risk", "at_risk"),
        ("2023-01-01", "2023-08-17", "at_risk", "at_risk"),
        ("2023-01-01", "2023-08-16", "churned", "at_risk"),
    ],
)
def test_stages_at_their_thresholds(
    shop_of: Callable[..., Shop], policy: Policy, first_purchase: str, last_purchase: str, stage: str, status: str
) -> None:
    shop = shop_of(AS_OF, [("1", "u", 5, "paid", first_purchase), ("2", "u", 5, "paid", f"{last_purchase}T23:59:59")])
    (row,) = shop.dicts(summary(shop.known, None, shop.as_of_day, policy))
    assert (row["lifecycle_stage"], row["activity_status"]) == (stage, status)


@pytest.mark.parametrize(
    ("cents", "standard", "ledger"),
    [
        (9_999, "low_value", "minimal_value"),
        (10_000, "medium_value", "low_value"),
        (49_999, "medium_value", "low_value"),
        (50_000, "medium_value", "medium_value"),
        (99_999, "medium_value", "medium_value"),
        (100_000, "high_value", "high_value"),
        (999_999, "high_value", "high_value"),
        (1_000_000, "whale", "high_value"),
    ],
)
def test_segments_at_their_thresholds(
    shop_of: Callable[..., Shop], policy: Policy, cents: int, standard: str, ledger: str
) -> None:
    shop = shop_of(AS_OF, [("1", "u", cents, "paid", "2023-05-01")])
    other = policy.model_copy(update={"segments": policy.segments.model_copy(update={"ladder": "ledger"})})
    for chosen, expected in ((policy, standard), (other, ledger)):
        (row,) = shop.dicts(summary(shop.known, None, shop.as_of_day, chosen))
        assert row["customer_segment"] == expected


def test_refunds_of_a_customer_without_orders(shop_of: Callable[..., Shop], policy: Policy) -> None:
    shop = shop_of(AS_OF, refunds=[("r", None, "u", 700, "2023-03-01")])
    (row,) = shop.dicts(summary(shop.known, None, shop.as_of_day, policy))
    assert row["total_orders"] == row["total_revenue_cents"] == row["avg_order_value_cents"] == 0
    assert (row["total_refunds_cents"], row["net_revenue_cents"]) == (700, -700)
    assert row["customer_segment"] == "low_value"
    assert row["first_purchase_date"] is row["lifecycle_stage"] is row["activity_status"] is None


def test_only_order_refunded(shop_of: Callable[..., Shop], policy: Policy) -> None:
    shop = shop_of(AS_OF, [("1", "u", 900, "refunded", "2023-03-01")], refunds=[("r", "1", "u", 900, "2023-04-02")])
    (row,) = shop.dicts(summary(shop.known, None, shop.as_of_day, policy))
    assert (row["total_orders"], row["total_revenue_cents"]) == (1, 900)
    assert (row["total_refunds_cents"], row["net_revenue_cents"]) == (900, 0)


def test_refund_in_a_later_period_than_its_order_counts_when_it_happens(
    shop_of: Callable[..., Shop], policy: Policy
) -> None:
    for status in ("paid", "refunded"):
        shop = shop_of(AS_OF, [("1", "u", 900, status, "2022-12-31")], refunds=[("r", "1", "u", 900, "2023-01-01")])
        (row,) = shop.dicts(summary(shop.known, day(dt.date(2023, 1, 1)), shop.as_of_day, policy))
        assert (row["total_orders"], row["total_refunds_cents"], row["net_revenue_cents"]) == (0, 900, -900)
        assert row["first_purchase_date"] is None


def test_what_comes_after_the_moment_does_not_count(shop_of: Callable[..., Shop], policy: Policy) -> None:
    orders = [("1", "u", 900, "paid", "2023-12-15T23:59:59.999999"), ("2", "u", 5, "paid", "2023-12-16")]
    shop = shop_of(AS_OF, orders, refunds=[("r", "1", "u", 900, "2023-12-16")])
    (row,) = shop.dicts(summary(shop.known, None, shop.as_of_day, policy))
    assert (row["total_orders"], row["total_revenue_cents"], row["total_refunds_cents"]) == (1, 900, 0)


def test_other_statuses_make_no_customer(shop_of: Callable[..., Shop], policy: Policy) -> None:
    shop = shop_of(AS_OF, [("1", "u", 900, "pending", "2023-12-01")])
    assert shop.rows(summary(shop.known, None, shop.as_of_day, policy)) == []


def test_halves_are_rounded_up(shop_of: Callable[..., Shop], policy: Policy) -> None:
    orders = [
        (str(n), "u", cents, "paid", when) for n, (cents, when) in enumerate([(1, "2023-03-01"), (2, "2023-03-04")])
    ]
    shop = shop_of(AS_OF, orders)
    (row,) = shop.dicts(summary(shop.known, None, shop.as_of_day, policy))
    assert (row["avg_order_value_cents"], row["purchase_frequency_days"]) == (2, 2)
    assert row["avg_days_between_purchases"] == 3.0


def test_a_hundred_thousand_orders_of_one_customer(policy: Policy, shop_of: Callable[..., Shop]) -> None:
    shop = shop_of(AS_OF)
    shop.execute("""INSERT INTO orders
        SELECT 'o' || i, 'u', 100000000 + i % 2, 'paid', TIMESTAMP '2023-01-01' + to_hours(i % 8000)
        FROM range(100000) t(i)""")
    (row,) = shop.dicts(summary(shop.known, None, shop.as_of_day, policy))
    assert (row["total_orders"], row["avg_order_value_cents"]) == (100_000, 100_000_001)
