"""What loses to BG/NBD with Gamma-Gamma is shrunk to it, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from customer_revenue.modeling.baseline_guard import LogForecast, OwnShares, Scatter, loses, own_shares
from customer_revenue.modeling.metrics import Outcomes, evaluate

CUSTOMERS = 4_000
RNG = np.random.default_rng(8)
RATE = RNG.gamma(2.0, 0.5, CUSTOMERS)
SPEND = RNG.lognormal(8, 0.5, CUSTOMERS)
BOUGHT = RNG.poisson(RATE).astype(np.float64)
HAPPENED = Outcomes(BOUGHT, BOUGHT * SPEND, np.where(BOUGHT > 0, 10.0, np.nan))


def forecast(rate: np.ndarray = RATE, spend: np.ndarray = SPEND, chance_rate: np.ndarray = RATE) -> LogForecast:
    return LogForecast(np.log(rate), -np.log(np.expm1(chance_rate)), np.log(spend))


FLAT = forecast(np.full(CUSTOMERS, RATE.mean()), np.full(CUSTOMERS, SPEND.mean()), np.full(CUSTOMERS, RATE.mean()))


def test_the_better_forecast_stays_whole() -> None:
    own = own_shares(HAPPENED, forecast(), FLAT, seed=1)
    assert own == OwnShares()
    assert own.all_own
    assert own.reason == ""


def test_the_same_forecast_stays_whole() -> None:
    assert own_shares(HAPPENED, forecast(), forecast(), seed=1).all_own


@pytest.mark.parametrize(
    ("bad", "quantity"),
    [
        (forecast(rate=RATE * 1.5), "purchases"),
        (forecast(spend=SPEND * 1.6), "spend"),
        (forecast(chance_rate=RATE * 2.5), "probability"),
    ],
)
def test_only_what_loses_is_shrunk_and_then_it_does_not_lose(bad: LogForecast, quantity: str) -> None:
    own = own_shares(HAPPENED, bad, forecast(), seed=1)
    assert vars(own)[quantity] < 1
    assert [share for name, share in vars(own).items() if name != quantity] == [1.0, 1.0]
    assert own.reason.startswith(quantity)
    mixed, theirs = bad.mixed(forecast(), own).forecast(), forecast().forecast()
    for name in ("purchases_mae", "purchases_bias", "revenue_bias", "probability_log_loss"):
        ours, other = (abs(evaluate(HAPPENED, side)[name]) for side in (mixed, theirs))
        assert ours <= other + 0.06


def test_a_useless_forecast_is_replaced() -> None:
    backwards = np.sort(RATE)[::-1][np.argsort(np.argsort(RATE))]
    own = own_shares(HAPPENED, forecast(rate=backwards * 2, chance_rate=backwards * 2), forecast(), seed=1)
    assert own.purchases == own.probability == 0
    assert "purchases replaced by" in own.reason


def test_a_larger_error_that_is_the_price_of_a_smaller_bias_is_no_loss() -> None:
    rare = RNG.poisson(RATE * 0.2).astype(np.float64)
    happened = Outcomes(rare, rare * SPEND, np.where(rare > 0, 10.0, np.nan))
    ours, low = (forecast(rate=rate, chance_rate=rate).forecast() for rate in (RATE * 0.2, RATE * 0.1))
    assert loses(happened, ours, low, ("purchases_mae",), seed=1)
    assert not loses(happened, ours, low, ("purchases_mae", "purchases_bias"), seed=1)


def test_a_level_within_the_scatter_of_windows_is_not_judged() -> None:
    high = forecast(rate=RATE * 1.2, spend=SPEND * 1.2)
    assert own_shares(HAPPENED, high, forecast(), seed=1).purchases < 1
    wide = Scatter(purchases=0.15, churn_log_odds=0.3, spend=0.15)
    assert own_shares(HAPPENED, high, forecast(), seed=1, scatter=wide).all_own
    narrow = Scatter(purchases=0.05, churn_log_odds=0.05, spend=0.05)
    assert not own_shares(HAPPENED, high, forecast(), seed=1, scatter=narrow).all_own


def test_at_the_level_of_the_window_only_who_buys_more_counts() -> None:
    wide = Scatter(purchases=0.5, churn_log_odds=0.5, spend=0.5)
    at = forecast(rate=RATE * 1.3, spend=SPEND / 1.2, chance_rate=RATE * 1.2).at_level(HAPPENED, wide)
    assert np.exp(at.purchases).sum() == pytest.approx(BOUGHT.sum())
    assert np.exp(at.purchases) @ np.exp(at.spend) == pytest.approx(HAPPENED.revenue.sum())
    assert np.mean(1 / (1 + np.exp(-at.churn_log_odds))) == pytest.approx(np.mean(BOUGHT == 0))
    own = own_shares(HAPPENED, FLAT, forecast(), seed=1, scatter=wide)
    assert own.purchases == own.probability == 0
