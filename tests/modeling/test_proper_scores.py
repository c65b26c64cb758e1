"""Proper scores against sums and integrals of their definitions, and what they say of right and wrong forecasts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from scipy.integrate import quad
from scipy.stats import gamma, nbinom

from customer_revenue.arrays import Floats
from customer_revenue.modeling.metrics import Forecast, Outcomes, select
from customer_revenue.modeling.predictive_distribution import CountForecast, Dispersion, RevenueForecast
from customer_revenue.modeling.proper_scores import (
    count_cdf,
    count_crps,
    count_pit,
    interval_score,
    mean_difference,
    pinball,
    pit_histogram,
    pit_uniformity,
    revenue_crps,
    revenue_pit,
)
from customer_revenue.modeling.score_groups import EVERYBODY, customer_groups, customer_scores, scores_by_group

P = np.array([0.001, 0.05, 0.5, 0.9, 0.9999, 0.9, 0.6])
FURTHER = np.array([0.02, 0.3, 1.5, 4.0, 122.0, 122.0, 700.0])
SIZE = np.array([1.0, 0.1, 0.7, 5.0, 800.0, 0.3, 0.2])
COUNTS = CountForecast(P * (1 + FURTHER), P, SIZE)


def cdf_of(counts: CountForecast, most: int) -> Floats:
    """P(X <= k) of each customer (rows) for every k up to the most (columns), by SciPy."""
    mean = counts.of_buyers - 1
    further = nbinom.cdf(np.arange(-1, most), counts.size[:, None], (counts.size / (counts.size + mean))[:, None])
    return np.asarray(1 - counts.p[:, None] + counts.p[:, None] * further)


@pytest.mark.parametrize("happened", [0.0, 1.0, 2.0, 123.0, 1_000.0])
def test_the_crps_of_counts_is_the_sum_of_its_definition(happened):
    below = cdf_of(COUNTS, 100_000)
    expected = np.sum((below - (np.arange(below.shape[1]) >= happened)) ** 2, axis=1)
    np.testing.assert_allclose(count_crps(COUNTS, np.full(len(P), happened)), expected, rtol=1e-6)


def test_the_distribution_function_is_that_of_the_quantiles():
    np.testing.assert_allclose([count_cdf(COUNTS, np.full(len(P), float(k))) for k in range(9)], cdf_of(COUNTS, 8).T)
    assert np.all(count_cdf(COUNTS, np.full(len(P), -1.0)) == 0)
    for chance in (0.1, 0.5, 0.9):
        count = COUNTS.quantile(chance)
        assert np.all(count_cdf(COUNTS, count) >= chance - 1e-9)
        assert np.all(count_cdf(COUNTS, count - 1) <= chance + 1e-9)


def test_heavy_buyers_of_a_sharp_or_a_loose_distribution_have_a_finite_crps():
    found = mean_difference(np.array([1e6, 1e-2, 5.0]), np.array([700.0, 300.0, 1e4]))
    assert found[0] == pytest.approx(2 * np.sqrt(700.7 / np.pi), rel=1e-3)  # almost normal
    assert np.all(np.isfinite(found) & (found > 0))


@pytest.mark.parametrize("happened", [0.0, 1.0, 2_000.0, 90_000.0])
def test_the_crps_of_revenue_is_the_integral_of_its_definition(happened):
    p, shape, scale = np.array([0.02, 0.5, 0.99]), np.array([0.4, 2.0, 40.0]), np.array([9_000.0, 1_500.0, 300.0])
    expected = []
    for chance, a, b in zip(p, shape, scale, strict=True):

        def square(x: float, chance: float = chance, a: float = a, b: float = b) -> float:
            return float((1 - chance + chance * gamma.cdf(x, a, scale=b) - (x >= happened)) ** 2)

        ends = sorted({0.0, happened, a * b, float(gamma.ppf(1 - 1e-12, a, scale=b)), 2e5})
        parts = pairwise(ends)
        expected.append(sum(quad(square, low, high, limit=200, epsrel=1e-9)[0] for low, high in parts))
    found = revenue_crps(RevenueForecast(p, shape, scale), np.full(3, happened))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_pinball_and_interval_score_by_hand():
    y = np.array([0.0, 5.0, 10.0])
    np.testing.assert_allclose(pinball(np.full(3, 4.0), y, 0.9), [0.4, 0.9, 5.4])
    np.testing.assert_allclose(interval_score(np.full(3, 2.0), np.full(3, 8.0), y, np.full(3, 0.8)), [26, 6, 26])


@pytest.fixture(scope="module")
def case() -> tuple[pa.Table, Outcomes, Forecast]:
    """Customers who do what their distributions say."""
    rng, n = np.random.default_rng(7), 8_000
    frequency = np.floor(rng.gamma(0.4, 8.0, n))
    p, mean = rng.beta(0.8, 1.5, n), 0.3 + 0.1 * frequency
    dispersion = Dispersion(1.5, 0.3, 0.5)
    counts = CountForecast(p * (1 + mean), p, dispersion.sizes(frequency))
    amounts = RevenueForecast.of(counts, counts.expected * 2_000, dispersion)
    further = rng.negative_binomial(counts.size, counts.size / (counts.size + mean))
    bought = rng.random(n) < p
    revenue = np.where(bought, rng.gamma(amounts.shape, amounts.scale), 0.0)
    days = np.where(bought, rng.integers(1, 91, n), np.nan)
    happened = Outcomes(np.where(bought, 1.0 + further, 0.0), revenue, days)
    found, money = counts.quantiles(0.8), amounts.quantiles(0.8)
    forecast = Forecast(
        counts.expected,
        counts.expected * 2_000,
        p,
        np.full(n, 45.0),
        purchases_interval=(found.low, found.high),
        revenue_interval=(money.low, money.high),
        interval_mass=np.full(n, 0.8),
        purchases_median=found.median,
        revenue_median=money.median,
        next_days_interval=(np.full(n, 10.0), np.full(n, 81.0)),
        counts=counts,
        amounts=amounts,
    )
    silence, spent = rng.integers(0, 400, n), np.floor(rng.gamma(0.5, 9_000, n))
    columns = {"frequency": frequency, "silence_days": silence, "total_cents": spent}
    return pa.table({"customer_id": [str(i) for i in range(n)], **columns}), happened, forecast


def test_the_pit_is_uniform_where_forecasts_are_right_and_not_where_they_are_not(case):
    _, happened, forecast = case
    for pit in (count_pit(forecast.counts, happened.purchases), revenue_pit(forecast.amounts, happened.revenue)):
        assert pit_uniformity(pit) > 0.001
        np.testing.assert_allclose(pit_histogram(pit), 0.1, atol=0.02)
    counts, amounts = forecast.counts, forecast.amounts
    low = CountForecast(counts.expected / 1.5, counts.p / 1.5, counts.size)
    assert pit_uniformity(count_pit(low, happened.purchases)) < 1e-6
    narrow = RevenueForecast(amounts.p, amounts.shape * 3, amounts.scale / 3)
    assert pit_uniformity(revenue_pit(narrow, happened.revenue)) < 1e-6


def test_the_scores_prefer_the_right_distribution_in_every_group(case):
    features, happened, forecast = case
    counts, amounts = forecast.counts, forecast.amounts
    wrong = Forecast(
        **{
            **vars(forecast),
            "counts": CountForecast(counts.expected * 2, counts.p, counts.size),
            "amounts": RevenueForecast(amounts.p, amounts.shape, amounts.scale * 2),
        }
    )
    right, other = (scores_by_group(features, happened, customer_scores(happened, f)) for f in (forecast, wrong))
    for group in right:
        assert right[group]["purchases_crps"] < other[group]["purchases_crps"], group
        assert right[group]["revenue_crps"] < other[group]["revenue_crps"], group


def test_right_intervals_hold_what_they_state_in_every_group(case):
    features, happened, forecast = case
    for group, scores in scores_by_group(features, happened, customer_scores(happened, forecast)).items():
        for what in ("revenue", "date"):
            people = scores["customers" if what == "revenue" else "buyers"]
            assert scores[f"{what}_covered"] == pytest.approx(scores[f"{what}_stated"], abs=2.5 / people**0.5), group
        assert scores["purchases_covered"] >= scores["purchases_stated"] - 0.05
        assert scores["purchases_above_high"] <= 0.1 + 0.05


def test_groups_are_complete_and_split_no_tie(case):
    features, happened, forecast = case
    groups = customer_groups(features)
    assert np.all(sum(rows.astype(int) for rows in groups.values()) == 3)
    names = [name for name in groups if "purchase" in name]
    assert names == ["1 purchase day", "2–3 purchase days", "4–10 purchase days", "over 10 purchase days"]
    assert groups["over 10 purchase days"].sum() == np.sum(features.column("frequency").to_numpy() > 9)
    table = scores_by_group(features, happened, customer_scores(happened, forecast))
    assert list(table) == [EVERYBODY, *groups]
    tied = pa.table({"frequency": [0.0] * 8, "silence_days": [3] * 8, "total_cents": [1, 1, 1, 1, 1, 1, 2, 3]})
    assert [int(rows.sum()) for rows in customer_groups(tied).values()] == [8, 8, 6, 2]


def test_scores_of_a_part_are_those_of_its_customers(case):
    _, happened, forecast = case
    some = np.arange(0, 8_000, 7)
    whole, part = customer_scores(happened, forecast), customer_scores(select(happened, some), select(forecast, some))
    for name in ("purchases_crps", "revenue_crps", "date_pinball", "revenue_interval_score"):
        np.testing.assert_array_equal(whole[name][some], part[name])


def test_a_forecast_without_distributions_has_no_scores(case):
    features, happened, forecast = case
    plain = Forecast(forecast.purchases, forecast.revenue, forecast.probability, forecast.next_days)
    assert scores_by_group(features, happened, customer_scores(happened, plain)) == {}
