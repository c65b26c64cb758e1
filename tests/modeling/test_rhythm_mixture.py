"""Customers of one shop with rhythms of their own: what is predicted of them is the simulated truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from customer_revenue.arrays import Floats
from customer_revenue.modeling import renewal
from customer_revenue.modeling.purchase_histories import Histories
from customer_revenue.modeling.purchase_models import ModifiedBetaGeoCNBDk
from customer_revenue.modeling.rhythm_choice import predicts_as_well
from customer_revenue.modeling.rhythm_mixture import (
    RhythmMixture,
    RhythmModel,
    fitted_rhythm,
    posterior_of,
    rhythm_from_state,
    single_rhythm,
)

OBSERVED_DAYS = 500
NEXT_30_DAYS = 30


def observed(gaps: Callable[[], Floats], drop: Floats, seed: int) -> tuple[Histories, Floats]:
    """Histories of customers who drop out after a purchase with their chance, and the days to their next purchase."""
    rng, n = np.random.default_rng(seed), len(drop)
    age = rng.uniform(30, OBSERVED_DAYS, n)
    x, last, logs, wait = np.zeros(n), np.zeros(n), np.zeros(n), np.full(n, np.inf)
    active = rng.random(n) > drop
    while active.any():
        gap = np.maximum(np.round(gaps()), 1)
        inside = active & (last + gap <= age)
        wait = np.where(active & ~inside, last + gap - age, wait)
        x, logs, last = x + inside, logs + inside * np.log(gap), last + inside * gap
        active = inside & (rng.random(n) > drop)
    return Histories.of(x, last, age, logs), wait


def random_buyers(n: int, seed: int) -> tuple[Histories, Floats]:
    """Poisson buyers of unlike rates, dropping out."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(0.8, 1 / 48, n)
    return observed(lambda: rng.exponential(1 / rate), rng.beta(0.6, 2.0, n), seed)


def subscribers(n: int, seed: int) -> tuple[Histories, Floats]:
    """Payments every 30 days, give or take two, of whom one in twenty ends."""
    rng = np.random.default_rng(seed)
    return observed(lambda: rng.normal(30, 2, n), np.full(n, 0.05), seed)


def weekly_shoppers(n: int, seed: int) -> tuple[Histories, Floats]:
    """Purchases about once a week, in gaps of ten phases."""
    rng = np.random.default_rng(seed)
    pace = rng.gamma(5.0, 1.4, n)
    return observed(lambda: rng.gamma(10, pace / 10), np.full(n, 0.01), seed)


def joined(*parts: tuple[Histories, Floats]) -> tuple[Histories, Floats]:
    """The customers of several groups as those of one shop."""
    names = ("frequency", "recency_days", "T_days", "log_gap_sum")
    histories = Histories.of(*(np.concatenate([getattr(h, name) for h, _ in parts]) for name in names))
    return histories, np.concatenate([wait for _, wait in parts])


@pytest.fixture(scope="module")
def subscriptions() -> tuple[Histories, Floats, RhythmModel]:
    """A shop of 500 subscribers, first, and 1,000 others."""
    histories, wait = joined(subscribers(500, 1), random_buyers(1_000, 2))
    return histories, wait, fitted_rhythm(histories, single_rhythm(histories))


@pytest.fixture(scope="module")
def groceries() -> tuple[Histories, Floats, RhythmModel]:
    """A shop of 500 weekly shoppers, first, and 1,000 others."""
    histories, wait = joined(weekly_shoppers(500, 3), random_buyers(1_000, 4))
    return histories, wait, fitted_rhythm(histories, single_rhythm(histories))


def test_the_classes_are_those_of_the_shop(subscriptions, groceries):
    for (_, _, model), k in ((subscriptions, 100), (groceries, 10)):
        assert isinstance(model, RhythmMixture)
        assert {1, k} <= set(model.rhythms)
        assert model.shares_[model.rhythms.index(k)] == pytest.approx(1 / 3, abs=0.06)


def test_a_mixture_must_predict_what_happened_as_well_as_a_single_k(subscriptions):
    histories, wait, model = subscriptions
    single, bought = single_rhythm(histories), wait <= NEXT_30_DAYS
    assert predicts_as_well(model, single, histories, bought, NEXT_30_DAYS)
    at_random = np.random.default_rng(5).permutation(bought)
    assert not predicts_as_well(model, single, histories, at_random, NEXT_30_DAYS)


def test_a_subscriber_who_is_due_pays(subscriptions):
    histories, wait, model = subscriptions
    silence = histories.T_days - histories.recency_days
    due = (np.arange(len(histories)) < 500) & (histories.frequency >= 3) & (silence > 15) & (silence < 30)
    chance = posterior_of(model, histories).purchase_probability(NEXT_30_DAYS)[due]
    assert (wait[due] <= NEXT_30_DAYS).mean() > 0.9
    assert chance.min() > 0.9
    assert chance.mean() == pytest.approx((wait[due] <= NEXT_30_DAYS).mean(), abs=0.04)


def test_a_subscriber_who_missed_three_payments_is_gone(subscriptions):
    _, _, model = subscriptions
    paid = np.array([3.0, 8.0, 14.0])
    silent = Histories.of(paid, 30 * paid, 30 * paid + 119, paid * np.log(30))
    assert posterior_of(model, silent).probability_alive.max() < 0.05
    on_time = Histories.of(paid, 30 * paid, 30 * paid + 20, paid * np.log(30))
    assert posterior_of(model, on_time).probability_alive.min() > 0.9


def test_the_date_of_a_subscriber_is_the_day_of_the_payment(subscriptions):
    _, _, model = subscriptions
    row = Histories.of([8.0], [240.0], [250.0], [8 * np.log(30)])
    assert posterior_of(model, row).wait_quantile(np.array([0.5]))[0] == pytest.approx(20, abs=1)


def test_weekly_shoppers_come_as_often_as_they_do(groceries):
    histories, wait, model = groceries
    posterior = posterior_of(model, histories)
    weekly = (np.arange(len(histories)) < 500) & (histories.frequency >= 10)
    for days in (3, 7, 30):
        truth = (wait[weekly] <= days).mean()
        assert posterior.purchase_probability(days)[weekly].mean() == pytest.approx(truth, abs=0.05)
    in_a_week = posterior.purchase_probability(7)[weekly]
    silence = (histories.T_days - histories.recency_days)[weekly]
    one_for_all = max((ModifiedBetaGeoCNBDk(k).fit(histories) for k in (1, 2, 3)), key=lambda m: m.log_likelihood_)
    before = one_for_all.purchase_probability(7, histories)[weekly]
    bought = wait[weekly] <= 7
    assert _log_loss(in_a_week, bought) < _log_loss(before, bought) - 0.03
    assert posterior.probability_alive[weekly][silence < 3].min() > 0.9


def test_others_of_the_shop_keep_their_truth(subscriptions, groceries):
    for histories, wait, model in (subscriptions, groceries):
        chance = posterior_of(model, histories).purchase_probability(NEXT_30_DAYS)[500:]
        assert chance.mean() == pytest.approx((wait[500:] <= NEXT_30_DAYS).mean(), abs=0.025)


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_a_shop_without_rhythm_has_one_regularity(seed):
    histories, _ = random_buyers(1_500, seed)
    model = fitted_rhythm(histories, single_rhythm(histories))
    assert isinstance(model, ModifiedBetaGeoCNBDk)
    assert model.k == 1
    assert model.to_state() == ModifiedBetaGeoCNBDk(1).fit(histories).to_state()


def test_the_quantile_inverts_the_wait_of_the_mixture(groceries):
    _, _, model = groceries
    histories = Histories.of([0, 1, 5, 30], [0, 20, 300, 210], [10, 200, 300, 215], [0, 3, 20, 57])
    posterior = posterior_of(model, histories)
    for p in (0.01, 0.5, 0.95):
        days = posterior.wait_quantile(np.full(4, p))
        found = [posterior.wait_probability(day)[i] for i, day in enumerate(days)]
        np.testing.assert_allclose(found, p, rtol=1e-6)
    assert posterior.wait_quantile(np.ones(4)).min() == np.inf
    assert posterior.wait_quantile(np.zeros(4)).max() == 0


def test_the_state_is_the_mixture(subscriptions):
    histories, _, model = subscriptions
    again = rhythm_from_state(model.to_state())
    for name in ("purchase_probability", "expected_purchases"):
        ours, theirs = (getattr(posterior_of(m, histories), name)(90) for m in (model, again))
        np.testing.assert_array_equal(ours, theirs)


def test_extreme_histories_of_a_mixture_stay_finite(groceries, subscriptions):
    x = np.array([0, 1, 10, 400, 5_000])
    grid = [(f, t, age) for f in x for t in (1, 132, 3_000) for age in (1, 100, 3_650) if t <= age]
    f, t, age = np.array(grid, dtype=float).T
    gaps = f * np.log(np.maximum(t / np.maximum(f, 1), 1))
    histories = Histories.of(f, np.where(f > 0, t, 0), age, gaps)
    for _, _, model in (groceries, subscriptions):
        posterior = posterior_of(model, histories)
        chances = np.stack([posterior.purchase_probability(days) for days in (1, 365, 10_000, np.inf)])
        assert np.all((chances >= 0) & (chances <= 1 + 1e-12))
        assert np.all(np.diff(chances, axis=0) >= -1e-9)
        assert np.all(np.isfinite(posterior.expected_purchases(365)))


def test_few_parts_stand_for_many_phases(monkeypatch):
    model = ModifiedBetaGeoCNBDk(30)
    model.r_, model.alpha_, model.a_, model.b_ = 5.0, 5 * 14 / 30, 0.1, 5.0
    histories = Histories.of([3, 10, 20], [40, 140, 280], [41, 148, 293])
    few = [model.expected_while_alive(days, histories) for days in (10, 60, 365)]
    monkeypatch.setattr(renewal, "PHASE_PARTS", 30)
    all_of_them = [model.expected_while_alive(days, histories) for days in (10, 60, 365)]
    np.testing.assert_allclose(few, all_of_them, rtol=0.01, atol=0.01)


def _log_loss(chance: Floats, happened: np.ndarray) -> float:
    return -float(np.mean(np.where(happened, np.log(chance), np.log1p(-chance))))
