"""The distribution of a customer's revenue at its edges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import gamma

from customer_revenue.actions.predictive_revenue import Predictive

ONE = np.array([1.0])


def of(probability: float, mean_cents: float, shape: float = 1.5) -> Predictive:
    return Predictive(np.array([probability]), np.array([mean_cents]), np.array([shape]))


@pytest.mark.parametrize("mean_cents", [0.5, 1_000.0])
@pytest.mark.parametrize("share", [0.0, 0.2, 1.0, 3.0])
def test_chances_are_those_of_the_gamma(mean_cents: float, share: float) -> None:
    cents = share * mean_cents
    expected = 0.7 + 0.3 * gamma.cdf(cents, 1.5, scale=mean_cents / 1.5)
    assert of(0.3, mean_cents).at_most(cents * ONE)[0] == pytest.approx(expected)


def test_nothing_is_below_zero_and_all_of_nothing_is_at_most_nothing() -> None:
    assert of(0.3, 1_000.0).at_most(-ONE)[0] == 0.0
    assert of(0.3, 0.0).at_most(0 * ONE)[0] == 1.0


def test_the_quantile_is_the_amount_of_its_chance_and_finite_at_1() -> None:
    found = of(0.3, 1_000.0)
    for chance in (0.75, 0.9, 0.999):
        assert found.at_most(found.quantile(chance))[0] == pytest.approx(chance)
    assert found.quantile(0.6)[0] == 0.0
    assert np.isfinite(found.quantile(1.0)[0])


def test_within_a_tolerance_counts_no_purchase_only_where_the_band_reaches_zero() -> None:
    found = of(0.3, 1_000.0)
    assert found.within(100 * ONE, 100 * ONE)[0] == pytest.approx(found.at_most(200 * ONE)[0])
    assert found.within(101 * ONE, 100 * ONE)[0] == pytest.approx(found.at_most(201 * ONE)[0] - found.at_most(ONE)[0])
