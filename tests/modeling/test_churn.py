"""The churn classifier as scikit-learn sees it, and its calibration."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from customer_revenue.modeling.churn import ChurnClassifier, calibrate
from customer_revenue.modeling.churn_model import ChurnModel


@parametrize_with_checks([ChurnClassifier(trees=40)])
def test_it_is_a_scikit_learn_estimator(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def sample():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(6_000, 4))
    y = (rng.random(6_000) < expit(1.2 * X[:, 0] - X[:, 1] ** 2 + 0.3)).astype(float)
    return X, y


def test_its_probabilities_are_calibrated(sample):
    X, y = sample
    p = ChurnClassifier(offset_column=0).fit(X[:4_000], y[:4_000]).predict_proba(X[4_000:])[:, 1]
    bins = np.array_split(np.argsort(p), 5)
    gaps = [abs(p[rows].mean() - y[4_000:][rows].mean()) for rows in bins]
    assert max(gaps) < 0.07


def test_it_starts_from_the_offset(sample):
    X, y = sample
    untouched = ChurnClassifier(offset_column=0, clip=0.0).fit(X, y)
    z = untouched.decision_function(X)
    np.testing.assert_allclose(z, untouched.intercept_ + untouched.slope_ * X[:, 0])


def test_nobody_is_in_both_parts_of_the_split():
    groups = np.repeat(np.arange(50), 4)
    held_out = ChurnClassifier(seed=3)._held_out(groups)
    assert all(len(set(held_out[groups == g])) == 1 for g in range(50))


def test_the_state_is_the_classifier(sample):
    X, y = sample
    model = ChurnClassifier(trees=20).fit(X, y)
    again = ChurnModel.from_state(model.fitted.to_state(), model.booster_.to_text())
    correction = again.booster_.correction(X)
    expected = model.decision_function(X)
    np.testing.assert_array_equal(again.calibrated(np.full(len(X), again.base_), correction), expected)
    assert again.to_state() == model.fitted.to_state()
    assert clone(model).get_params() == model.get_params()


def test_calibration_without_anybody_changes_nothing():
    nobody = np.zeros(0)
    assert calibrate(nobody, nobody) == (0.0, 1.0)
