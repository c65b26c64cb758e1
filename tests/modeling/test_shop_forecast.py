"""The forecast of the shop on histories whose truth is known: level, season, arrivals, bands, nothing from later."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from customer_revenue.arrays import Floats
from customer_revenue.modeling.level_process import LevelProcess, usual_noise
from customer_revenue.modeling.revenue_path import between
from customer_revenue.modeling.shop_forecast import ShopForecast
from customer_revenue.modeling.shop_history import ShopHistory, month_ends_around, shares_of_months
from customer_revenue.modeling.shop_outlook import ShopOutlook
from customer_revenue.public_holidays import public_holidays

AS_OF = dt.date(2023, 12, 31)
AHEAD = 12


def shop(
    months: int,
    seed: int = 0,
    season: float = 0.0,
    arrivals: float = 200.0,
    growth: float = 0.0,
    until: int | None = None,
    noise: float = 0.0,
) -> tuple[pa.Table, Floats]:
    """Rows of cohorts by month (on its 15th) until a month, and the true mean revenue of all months and a year more."""
    rng = np.random.default_rng(seed)
    total = months + AHEAD
    month = np.arange(total)
    level = np.exp(season * np.sin(2 * np.pi * month / 12) + noise * rng.normal(size=total))
    coming = rng.poisson(arrivals * np.exp(growth * month) * level)
    age = month - month[:, None]
    rate = np.where(age == 0, 1.0, np.where(age > 0, 0.3 * np.maximum(age, 1.0) ** -0.4, 0.0)) * level
    orders = np.where(age == 0, coming[:, None], rng.poisson(np.maximum(coming[:, None] * rate, 0)))
    cents = orders * rng.normal(5_000, 100, orders.shape)
    ends = month_ends_around(AS_OF, months, AHEAD)[1:]
    last = AS_OF.year * 12 + AS_OF.month - 1
    cohort, at = np.nonzero(orders * (month < (months if until is None else until)))
    rows = pa.table(
        {
            "cohort": cohort + last - months + 1,
            "day": pa.array((ends - 15)[at]),
            "new_customers": np.where(cohort == at, orders[cohort, at], 0),
            "orders": orders[cohort, at],
            "revenue_cents": cents[cohort, at].astype(np.int64),
        }
    )
    return rows, cents.sum(axis=0)


def outlook_of(rows: pa.Table) -> ShopOutlook:
    return ShopOutlook(ShopHistory.of(rows, AS_OF, AHEAD), AHEAD)


def test_a_stationary_shop_is_forecast_at_its_level_and_grows_by_its_cohorts() -> None:
    rows, truth = shop(24)
    parts = outlook_of(rows).parts.last
    assert parts.total == pytest.approx(truth[24:], rel=0.25)
    assert parts.new[0] < parts.new[-1]
    assert parts.known[-1] < parts.known[0]


def test_a_season_that_the_history_shows_is_in_the_forecast() -> None:
    rows, truth = shop(36, season=0.5)
    outlook = outlook_of(rows)
    assert outlook.levels.season[-1] > 0.9
    assert outlook.arrivals.season[-1] > 0.9
    log_errors = np.log(outlook.parts.last.total / truth[36:])
    assert np.abs(log_errors).mean() < 0.15
    flat = np.log(truth[33:36].mean() / truth[36:])
    assert np.abs(log_errors).mean() < np.abs(flat).mean() / 2


def test_no_season_is_used_where_there_is_none() -> None:
    assert outlook_of(shop(36)[0]).levels.season[-1] < 0.5


def test_no_customer_is_expected_where_none_has_come_for_months() -> None:
    rows, _ = shop(24)
    old = rows.filter(np.asarray(rows["cohort"].to_numpy() < AS_OF.year * 12 + AS_OF.month - 1 - 6))
    outlook = outlook_of(old)
    assert outlook.new_customers[-1].sum() == 0
    assert outlook.parts.last.new.sum() == 0
    assert outlook.parts.last.known[0] > 0


def test_the_bands_hold_about_what_they_say() -> None:
    inside = []
    for seed in range(12):
        rows, truth = shop(18, seed=seed, season=0.2, growth=0.02, noise=0.2)
        outlook = outlook_of(rows)
        sd = outlook.parts.last.total_sd(*outlook.scales())
        inside += (np.abs(np.log(truth[18:] / outlook.parts.last.total)) <= 1.2816 * sd).tolist()
    assert 0.75 <= np.mean(inside) < 1


def panel(months: int, seed: int = 0, new: float = 0.0) -> pa.Table:
    """Rows of 1,500 customers who had all bought before the history began, four times a month, and of new ones."""
    rng = np.random.default_rng(seed)
    first, rates = rng.integers(0, months, int(new * months)), rng.gamma(1.0, 4.0, 1_500 + int(new * months))
    begin = np.concatenate([np.zeros(1_500, int), first])
    counts = rng.poisson(rates[:, None] * (np.arange(months) >= begin[:, None]))
    counts = counts[counts.any(axis=1)]
    seen = (counts > 0).argmax(axis=1)
    orders = np.array([counts[seen == cohort].sum(axis=0) for cohort in range(months)])
    cohort, at = np.nonzero(orders)
    ends = month_ends_around(AS_OF, months, 0)[1:]
    return pa.table(
        {
            "cohort": cohort + AS_OF.year * 12 + AS_OF.month - months,
            "day": pa.array((ends - 15)[at]),
            "new_customers": np.where(cohort == at, np.bincount(seen, minlength=months)[cohort], 0),
            "orders": orders[cohort, at],
            "revenue_cents": orders[cohort, at] * 5_000,
        }
    )


@pytest.mark.parametrize("months", [6, 12])
def test_those_who_had_bought_before_are_not_taken_for_new_customers(months: int) -> None:
    outlook = outlook_of(panel(months))
    revenue = outlook.history.revenue_cents.sum(axis=0)
    assert outlook.history.arrivals[1] > 50
    assert outlook.seen_before[-1, :2] == pytest.approx(np.ones(2), abs=0.1)
    assert outlook.new_customers[-1, :3].sum() < 2 * (outlook.history.arrivals[-3:].sum() + 3)
    assert outlook.parts.last.new[:3].sum() < 0.02 * outlook.parts.last.total[:3].sum()
    assert outlook.parts.last.total[:3] == pytest.approx(np.full(3, revenue[-3:].mean()), rel=0.1)


def test_new_customers_are_told_from_those_who_had_bought_before() -> None:
    coming = np.mean([outlook_of(panel(18, seed, new=60.0)).new_customers[-1, :3].mean() for seed in range(4)])
    assert coming == pytest.approx(60.0, rel=0.3)


def test_a_quiet_shop_has_a_narrow_band_within_its_first_year() -> None:
    outlook = outlook_of(panel(8))
    assert (outlook.parts.last.total_sd(*outlook.scales())[:3] < 0.15).all()


def test_a_month_to_come_is_as_noisy_as_one_with_the_usual_number_of_orders() -> None:
    assert usual_noise(np.array([2.0, 0.02, 0.02, 0.02])) == pytest.approx(0.02 * 4 / 3, rel=0.01)


def test_the_mean_of_the_last_months_counts_where_it_was_nearer() -> None:
    flat, seasonal = outlook_of(shop(30, noise=0.25)[0]), outlook_of(shop(30, season=0.5)[0])
    assert flat.share_of_mean[-1, 0] > 0.5 > seasonal.share_of_mean[-1, 2]
    pulled, alone = flat.parts.last, flat.of_months.last
    assert pulled.known / alone.known == pytest.approx(pulled.new / alone.new)
    recent = flat.history.revenue_cents.sum(axis=0)[-3:].sum() / flat.history.days[-1, 27:30].sum()
    mean = recent * flat.history.days[-1, 30 : 30 + AHEAD]
    between = np.log(pulled.total / alone.total) / np.log(mean / alone.total)
    assert between == pytest.approx(flat.share_of_mean[-1], abs=0.01)


def test_a_past_origin_knows_nothing_of_later_months() -> None:
    rows, _ = shop(24)
    later = rows["day"].to_numpy().astype("datetime64[D]") > np.datetime64("2023-06-30")
    factor = np.where(later, 9, 1)
    wild = rows
    for place, name in enumerate(rows.column_names[2:], start=2):
        wild = wild.set_column(place, name, pa.array(rows[name].to_numpy() * factor))
    calm, loud = outlook_of(rows), outlook_of(wild)
    known = [row for row, origin in enumerate(calm.origins) if origin <= 18]
    for name in ("known", "first", "repeat", "level_sd", "arrivals_sd"):
        assert getattr(calm.parts, name)[known] == pytest.approx(getattr(loud.parts, name)[known], rel=1e-6)


def test_the_score_counts_past_months_and_only_those_asked_for() -> None:
    outlook = outlook_of(shop(20)[0])
    one, all_leads = outlook.measured(1), outlook.measured(12)
    assert one.share is not None
    assert one.months == one.forecasts == 17
    assert all_leads.forecasts == sum(min(20 - origin, 12) for origin in range(3, 20))


def test_a_young_shop_has_a_wide_band_and_no_score() -> None:
    outlook = outlook_of(shop(2)[0])
    assert outlook.measured(3).share is None
    assert (outlook.parts.last.total_sd() > 0.2).all()
    assert np.isfinite(outlook.parts.last.total).all()


def test_known_customers_are_the_sum_of_their_paths_times_the_levels() -> None:
    outlook = outlook_of(shop(24)[0])
    cents = outlook.parts.known[-1] * 0.8
    forecast = ShopForecast(outlook, cents / 5_000, cents, cents * 0.9, 1.0, 0.9)
    months = forecast.months
    known = months["known_revenue_cents"].to_numpy()
    assert known == pytest.approx(cents * forecast.factors)
    assert (cents < known).all()
    assert (known < outlook.parts.known[-1]).all()
    assert (months["total_low_cents"].to_numpy() < known + months["new_revenue_cents"].to_numpy()).all()


def test_weeks_add_up_to_their_months() -> None:
    outlook = outlook_of(shop(24)[0])
    cents = outlook.parts.known[-1]
    forecast = ShopForecast(outlook, cents / 5_000, cents, cents, 1.0, 1.0)
    days = [AS_OF + dt.timedelta(days=7 * week) for week in range(1, 53)]
    weeks = forecast.weeks(AS_OF, days)
    year = sum(forecast.months["known_revenue_cents"].to_pylist())
    assert sum(weeks["known_revenue_cents"].to_pylist()) == pytest.approx(year * 364 / 366, rel=0.02)


def test_a_shop_of_one_day_is_not_forecast_as_if_each_day_were_like_it() -> None:
    columns = {"cohort": 2023 * 12 + 11, "new_customers": 3, "orders": 3, "revenue_cents": 15_000}
    rows = pa.table({"day": np.array([AS_OF], "datetime64[D]"), **{name: [value] for name, value in columns.items()}})
    outlook = outlook_of(rows)
    assert outlook.history.days[-1, 0] == 31
    assert outlook.new_customers[-1, 0] == pytest.approx(3, rel=0.5)


def test_days_on_which_nothing_is_sold_take_nothing_of_a_month() -> None:
    rows, _ = shop(3)
    closed = [dt.date(2024, 1, day) for day in range(1, 16)]
    history = ShopHistory.of(rows, AS_OF, AHEAD, closed)
    ends = month_ends_around(AS_OF, 0, 1)
    shares = shares_of_months(history, ends, np.array(["2023-12-31", "2024-01-15", "2024-01-31"], "datetime64[D]"))
    assert shares[0, 0] == pytest.approx(0.0, abs=1e-4)
    assert history.days[-1, 3] == pytest.approx(16)


@pytest.mark.parametrize(("share", "weight"), [(0.0, 4 / 12), (1.0, 1.0), (3.0, (24 + 4) / 12)])
def test_public_holidays_count_where_they_differ(share: float, weight: float) -> None:
    day = np.arange(np.datetime64("2023-01-01"), np.datetime64("2024-01-01"))
    public = np.array(sorted(public_holidays("GB-ENG", dt.date(2023, 1, 20), dt.date(2024, 1, 31))), "datetime64[D]")
    past = np.isin(day, public)
    assert past.sum() == 8
    cents = np.where(past, share, 1.0) * 100_000 + np.random.default_rng(1).integers(0, 1_000, len(day))
    rows = pa.table(
        {
            "cohort": np.full(len(day), 2023 * 12),
            "day": day,
            "new_customers": np.ones(len(day)),
            "orders": np.ones(len(day)),
            "revenue_cents": cents,
        }
    )
    history = ShopHistory.of(rows, AS_OF, 1, (), public.tolist())
    assert history.has_holidays is (share != 1.0)
    assert history.day_weights.holiday == pytest.approx(weight, rel=0.02)
    assert history.days[-1, -1] == pytest.approx(30 + weight, rel=0.02)  # 2024-01-01 is one


def test_weekdays_count_where_they_differ() -> None:
    day = np.arange(np.datetime64("2023-07-01"), np.datetime64("2024-01-01"))
    weekend = (day.astype(int) + 3) % 7 >= 5
    rng = np.random.default_rng(1)
    for cents, found in ((np.where(weekend, 0, 700), True), (np.full(len(day), 500), False)):
        rows = pa.table(
            {
                "cohort": np.full(len(day), 2023 * 12 + 6),
                "day": day,
                "new_customers": np.ones(len(day)),
                "orders": np.ones(len(day)),
                "revenue_cents": cents + rng.integers(0, 100, len(day)),
            }
        )
        history = ShopHistory.of(rows, AS_OF, 1)
        assert history.has_weekdays is found
        assert history.day_weights.weekdays.mean() == pytest.approx(1.0)
    assert history.months == 6


def test_the_process_forecasts_what_it_was_told() -> None:
    logs = np.log(np.full(12, 100.0))
    found = LevelProcess(12, 6, np.full(18, 0.01)).forecast(logs[None], np.array([12]), 6)
    assert np.exp(found.mean[0]) == pytest.approx(np.full(6, 100.0), rel=0.01)
    assert (np.diff(found.sd[0]) > 0).all()


def test_a_path_passes_through_its_knots_and_never_falls() -> None:
    knots = [7, 31, 60, 91]
    cumulative = np.array([[0.1, 0.4, 0.7, 0.9], [0.0, 0.0, 0.0, 0.0]])
    days = list(range(1, 92))
    path = between(knots, cumulative, days)
    assert path[:, [6, 30, 59, 90]] == pytest.approx(cumulative, abs=1e-9)
    assert (np.diff(path, axis=1) >= 0).all()
