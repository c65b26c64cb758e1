"""Every plot returns axes with the numbers that it claims to show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

import customer_revenue as cr
from customer_revenue.plots.style import detached_figure, title_of

CUTOFF = "1997-09-30"
plots: Any = cr.plots  # what artists hold has no useful types


@pytest.fixture(scope="module")
def cdnow() -> Iterator[cr.Orders]:
    with cr.load_cdnow(sample=True) as orders:
        yield orders


@pytest.fixture(scope="module")
def features(cdnow: cr.Orders) -> pd.DataFrame:
    return cdnow.features(as_of=CUTOFF)


@pytest.fixture(scope="module")
def model(features: pd.DataFrame) -> cr.ProbabilityModel:
    return cr.ProbabilityModel("mbg_nbd").fit(features)


def _line(axes, label) -> np.ndarray:
    (found,) = [line for line in axes.lines if line.get_label() == label]
    return np.asarray(found.get_ydata(), dtype=float)


def test_it_draws_on_the_axes_that_it_is_given(model, features):
    _, mine = detached_figure()
    assert plots.repeat_purchases(model, features, ax=mine) is mine


def test_the_matrices_hold_what_the_model_says(model):
    axes = plots.frequency_recency_matrix(model, horizon_days=90, T_days=240, most_frequency=5)
    shown = np.asarray(axes.images[0].get_array())
    one = pd.DataFrame({"customer_id": ["a"], "frequency": [5], "recency_days": [240], "T_days": [240]})
    assert shown[-1, 5] == pytest.approx(model.expected_purchases(one, 90)["a"])
    alive = np.asarray(plots.probability_alive_matrix(model, T_days=240, most_frequency=5).images[0].get_array())
    never = pd.DataFrame({"customer_id": ["a"], "frequency": [0], "recency_days": [0], "T_days": [240]})
    np.testing.assert_allclose(alive[:, 0], model.probability_alive(never)["a"])
    # Silence speaks louder the more a customer used to buy.
    assert np.all(np.diff(alive[5, 1:]) < 0)
    assert np.all(np.diff(alive[:, 5]) > 0)


def test_a_customers_history_falls_in_silence_and_jumps_at_a_purchase(model, cdnow):
    days = cdnow.purchase_days("00111")
    axes = plots.alive_history(model, days, until="1998-06-30")
    clock, alive = pd.DatetimeIndex(axes.lines[0].get_xdata()), np.asarray(axes.lines[0].get_ydata())
    jumps = clock[1:][np.diff(alive) > 0]
    assert list(jumps) == list(days["day"].iloc[1:])


def test_repeat_purchases_add_up_to_the_customers(model, features):
    axes = plots.repeat_purchases(model, features, most=5)
    actual, expected = ([bar.get_height() for bar in bars] for bars in axes.containers)
    assert sum(actual) == len(features)
    assert sum(expected) == pytest.approx(len(features))
    assert actual[5] == (features["frequency"] >= 5).sum()


def test_the_total_is_tracked_as_the_papers_do(model, cdnow, features):
    daily = cdnow.daily()
    axes = plots.cumulative_purchases(model, daily, cutoff=CUTOFF)
    assert _line(axes, "actual")[-1] == daily["repeat_purchases"].sum()
    # What is expected by the cut-off is the sum over the customers of what one of that age brings.
    by_cutoff = (pd.Timestamp(CUTOFF) - daily["day"].min()).days
    ages = features["T_days"].value_counts()
    known = model.new_customer(ages.index.to_numpy(dtype=float)).to_numpy() @ ages.to_numpy()
    assert _line(axes, "expected")[by_cutoff] == pytest.approx(known)
    weekly = plots.incremental_purchases(model, daily)
    assert _line(weekly, "actual").sum() == daily["repeat_purchases"].sum()
    assert _line(weekly, "expected").sum() == pytest.approx(_line(axes, "expected")[-1])


def test_held_out_purchases_are_means_of_their_group():
    axes = plots.holdout_by_frequency([0, 0, 1, 9, 8], [0, 2, 1, 5, 7], {"a": [1, 1, 2, 3, 5]}, most=3)
    assert _line(axes, "actual").tolist() == [1, 1, 6]
    assert _line(axes, "a").tolist() == [1, 2, 4]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1", "3+"]


def test_the_spend_curve_is_a_density_with_the_mean_of_the_model(model, features):
    x, density = plots.spend_distribution(model, features).lines[0].get_data()
    middle, mass = (x[1:] + x[:-1]) / 2, (density[1:] + density[:-1]) / 2 * np.diff(x)
    assert 0.95 < mass.sum() <= 1.01
    spend = model.spend_
    assert (middle * mass).sum() == pytest.approx(spend.p_ * spend.v_ / (spend.q_ - 1) / 100, rel=0.15)
    yen = plots.spend_distribution(model, features, currency="JPY")
    assert yen.lines[0].get_data()[0] == pytest.approx(x * 100)
    assert yen.get_xlabel() == "mean spend of a purchase day JPY"


def test_without_gamma_gamma_there_is_no_spend_to_draw(model, features):
    bare = cr.ProbabilityModel("mbg_nbd").fit(features[["customer_id", "frequency", "recency_days", "T_days"]])
    with pytest.raises(cr.CustomerRevenueError, match="no Gamma-Gamma"):
        plots.spend_distribution(bare, features)


def test_reliability_bins_hold_equal_numbers():
    probability, happened = np.arange(100) / 100, np.arange(100) % 2
    dots = plots.reliability(probability, happened, bins=4).lines[1].get_xydata()
    np.testing.assert_allclose(dots[:, 0], [0.12, 0.37, 0.62, 0.87])
    np.testing.assert_allclose(dots[:, 1], [0.48, 0.52, 0.48, 0.52])


def test_coverage_is_by_prediction():
    actual, low, high = [1.0, 9, 5, 5], [0, 0, 0, 9], [2, 2, 6, 10]
    axes = plots.interval_coverage(actual, low, high, mass=[0.8, 0.8, 0.9, 0.9], by=[1, 2, 3, 4], groups=2)
    assert axes.lines[0].get_ydata().tolist() == [0.5, 0.5]
    assert _line(axes, "stated").tolist() == pytest.approx([0.8, 0.9])


def test_a_gain_curve_does_not_depend_on_the_order_of_ties():
    value, score = np.array([0.0, 4, 0, 4]), np.ones(4)
    for order in ([0, 1, 2, 3], [1, 3, 0, 2]):
        axes = plots.gain(value[order], {"none": score})
        assert _line(axes, "none").tolist() == [0, 0.25, 0.5, 0.75, 1]
        assert _line(axes, "hindsight").tolist() == [0, 0.5, 1, 1, 1]


def test_lorenz_of_equals_is_the_diagonal():
    axes = plots.lorenz([5, 5, 5, 5])
    np.testing.assert_allclose(_line(axes, "customers"), np.linspace(0, 1, 5))
    assert axes.get_title() == "Concentration: Gini 0.00"


def test_shap_dots_are_the_contributions_and_the_strongest_feature_is_on_top():
    rng = np.random.default_rng(1)
    contributions = pd.DataFrame({"weak": rng.normal(0, 0.1, 300), "strong": rng.normal(0, 2.0, 300)})
    values = pd.DataFrame({"weak": rng.random(300), "strong": np.where(rng.random(300) < 0.1, np.nan, 1.0)})
    axes = plots.shap_summary(contributions, values)
    dots = [np.asarray(points.get_offsets())[:, 0] for points in axes.collections if len(points.get_offsets()) > 10]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["weak", "strong"]
    np.testing.assert_allclose(dots[0], contributions["weak"])


@pytest.mark.parametrize(
    ("name", "title"),
    [("bg_nbd", "BG/NBD"), ("mbg_nbd", "MBG/NBD"), ("mbg_cnbd_k", "MBG/CNBD-k"), ("pareto_nbd", "Pareto/NBD")],
)
def test_models_are_called_by_their_names(name, title):
    assert title_of(name) == title
