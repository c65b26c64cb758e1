"""Money by cohort: what is observed is said as it was, and what is not is predicted with a band."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

import customer_revenue as cr
from customer_revenue.modeling.new_customer_value import AGE_ENDS
from customer_revenue.revenue.trends import TrendRow, fill_trends


@pytest.fixture(scope="module")
def orders() -> Iterator[cr.Orders]:
    """Three months of forty customers each, who spend 100 on their first day and 10 every 30 days."""
    start = pd.Timestamp("2024-01-01")
    rows = [
        (
            f"{month}-{n}",
            start + pd.DateOffset(months=month) + pd.Timedelta(days=n % 20 + 30 * again),
            10 + 90 * (not again),
        )
        for month in range(6)
        for n in range(40)
        for again in range(13)
    ]
    log = pd.DataFrame(rows, columns=["customer", "date", "amount"])
    with cr.load_orders(log, as_of="2025-01-31") as found:
        yield found


def test_what_is_observed_is_what_came(orders: cr.Orders) -> None:
    money = cr.money_by_cohort(orders, as_of="2024-08-31")
    own = money[(money["cohort"] == "2024-01") & money["complete"]]
    assert own["days"].tolist() == [end for end in AGE_ENDS if end <= 220 and end != 240][: len(own)]
    assert own["net_revenue_cents"].tolist() == [10_000 + 1_000 * place for place in range(len(own))]
    assert (own["low_cents"] == own["high_cents"]).all()
    assert (own["profit_cents"] * 10 == own["net_revenue_cents"] * 4).all()


def test_what_is_not_over_is_predicted_and_marked(orders: cr.Orders) -> None:
    money = cr.money_by_cohort(orders, as_of="2024-08-31", max_days=180)
    assert money.groupby("cohort")["complete"].last().tolist() == [True, True, False, False, False, False]
    whole = cr.money_by_cohort(orders, max_days=180)
    hidden = ~money["complete"]
    error = (money["net_revenue_cents"] - whole["net_revenue_cents"])[hidden] / whole["net_revenue_cents"][hidden]
    assert np.abs(error).max() < 0.02
    assert (money["low_cents"] < money["high_cents"])[hidden].all()
    assert (money.groupby("cohort")["net_revenue_cents"].diff().dropna() >= 0).all()


def test_an_age_that_is_half_reached_has_its_share(orders: cr.Orders) -> None:
    money = cr.money_by_cohort(orders, as_of="2024-02-10", max_days=30)
    first = money[money["cohort"] == "2024-01"].set_index("days")
    assert first["reached_percent"].tolist() == [100.0, 55.0]
    assert first["complete"].tolist() == [True, False]


def test_ages_beyond_two_years_are_refused(orders: cr.Orders) -> None:
    with pytest.raises(cr.CustomerRevenueError, match="max_days must be 0 to 730, not 731"):
        cr.money_by_cohort(orders, max_days=731)


def test_both_pictures_mark_what_is_predicted(orders: cr.Orders) -> None:
    money = cr.money_by_cohort(orders, as_of="2024-08-31", max_days=180)
    axes = cr.plots.cohort_heatmap(money)
    assert len(axes.collections) == (~money["complete"]).sum()
    lines = cr.plots.cohort_money(money, most=3).lines
    assert [line.get_linestyle() for line in lines] == ["-", "--"] * 3


def test_a_month_is_complete_when_it_is_over() -> None:
    row = TrendRow(2023 * 12, 5, 0, 5, 1, 1, 1, 0, 5)
    for day, complete in ((dt.date(2023, 2, 27), [True, False]), (dt.date(2023, 2, 28), [True, True])):
        assert [month["complete"] for month in fill_trends([row], day)] == complete


@pytest.fixture(scope="module")
def channels() -> Iterator[cr.Orders]:
    """Customers of the web, who spend 100 and then 10 every 30 days, and of the till, who spend half of it."""
    start = pd.Timestamp("2024-01-01")
    rows = [
        (
            f"{channel}-{n}",
            start + pd.Timedelta(days=n % 150 + 30 * again),
            (10 + 90 * (not again)) * (1 if channel == "web" else 0.5),
            channel,
        )
        for channel in ("web", "till")
        for n in range(300 if channel == "web" else 150)
        for again in range(13)
    ]
    log = pd.DataFrame(rows, columns=["customer", "date", "amount", "channel"])
    with cr.load_orders(log, as_of="2025-06-30") as found:
        yield found


def test_cohorts_may_be_channels_with_their_own_future(channels: cr.Orders) -> None:
    money = cr.money_by_cohort(channels, as_of="2024-08-31", max_days=180, by="channel")
    whole = cr.money_by_cohort(channels, max_days=180, by="channel")
    assert money.groupby("cohort")["customers"].first().to_dict() == {"till": 150, "web": 300}
    assert whole["complete"].all()
    assert whole.loc[whole["days"] == 180, "net_revenue_cents"].tolist() == [8_000, 16_000]
    hidden = ~money["complete"]
    assert hidden.any()
    error = (money["net_revenue_cents"] - whole["net_revenue_cents"])[hidden] / whole["net_revenue_cents"][hidden]
    assert np.abs(error).max() < 0.03
    assert (money["low_cents"] < money["high_cents"])[hidden].all()
    assert (money["low_cents"] == money["high_cents"])[~hidden].all()


def test_pictures_of_channels_show_the_largest(channels: cr.Orders) -> None:
    money = cr.money_by_cohort(channels, as_of="2024-08-31", max_days=180, by="channel")
    assert cr.plots.cohort_money(money, most=1).lines[0].get_label() == "web"
    axes = cr.plots.cohort_heatmap(money)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["till", "web"]
    assert len(axes.collections) == (~money["complete"]).sum()
    with pytest.raises(cr.CustomerRevenueError, match="by: 'colour' is not one of"):
        cr.money_by_cohort(channels, by="colour")
