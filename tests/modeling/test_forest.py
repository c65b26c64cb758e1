"""Boosters that are evaluated together predict what LightGBM predicts from each."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pytest

from customer_revenue.modeling.baseline_guard import OwnShares
from customer_revenue.modeling.baselines import BaselinePrediction
from customer_revenue.modeling.boosters import BOOSTER_PARAMETERS
from customer_revenue.modeling.ensemble import FittedEnsemble, Used
from customer_revenue.modeling.forest import BLOCK_ROWS, LEAF_BITS, Forest
from customer_revenue.modeling.purchase_histories import Histories
from customer_revenue.modeling.text_trees import TextTree, read_trees
from customer_revenue.modeling.tree_contributions import FEW_ROWS, MOST_IN_TABLE, TreePaths


def _booster(X: np.ndarray, y: np.ndarray, trees: int = 15, **parameters: object) -> lgb.Booster:
    return lgb.train({**BOOSTER_PARAMETERS, "objective": "regression", **parameters}, lgb.Dataset(X, y), trees)


def _trees(booster: lgb.Booster) -> list[TextTree]:
    return read_trees(booster.model_to_string())


def _raw(booster: lgb.Booster, X: np.ndarray) -> np.ndarray:
    return np.asarray(booster.predict(X, raw_score=True))


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    """Counts, amounts, one column with gaps, one that is constant."""
    rng = np.random.default_rng(1)
    X = np.column_stack([rng.poisson(2, 4000), rng.normal(size=4000), rng.gamma(1, 1, 4000), np.ones(4000)])
    X[rng.random(4000) < 0.3, 2] = np.nan
    return X


def test_sums_are_those_of_lightgbm_for_every_kind_of_value(rows: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    y = rows[:, 0] * np.nan_to_num(rows[:, 2], nan=3.0) + rows[:, 1]
    whole = _booster(rows, y, num_leaves=LEAF_BITS)
    part = _booster(rows[:, [2, 0]], y, trees=4)
    thresholds = whole.trees_to_dataframe()["threshold"].dropna().to_numpy()
    asked = rng.choice(np.concatenate([thresholds, [np.nan, np.inf, -np.inf, 0.0]]), (3 * BLOCK_ROWS + 7, 4))
    asked = np.vstack([rows, asked])
    sums = Forest([(_trees(whole), range(4)), (_trees(part), [2, 0])]).sums(list(asked.T))
    np.testing.assert_allclose(sums[0], _raw(whole, asked), rtol=0, atol=1e-9)
    np.testing.assert_allclose(sums[1], _raw(part, asked[:, [2, 0]]), rtol=0, atol=1e-9)
    assert np.std(sums[0]) > 0.1


def test_categories_go_where_lightgbm_sends_them() -> None:
    rng = np.random.default_rng(3)
    X = np.column_stack([rng.integers(0, 12, 4000).astype(float), rng.normal(size=4000)])
    X[rng.random(4000) < 0.1, 0] = np.nan
    y = np.isin(X[:, 0], (1, 5, 7, 11)) * (1 + X[:, 1]) + (X[:, 0] == 3)
    data = lgb.Dataset(X, y, categorical_feature=[0])
    booster = lgb.train({**BOOSTER_PARAMETERS, "objective": "regression"}, data, 15)
    asked = np.vstack([X, np.column_stack([[0.0, 11.0, 12.0, 40.0, np.nan, 3.0], np.zeros(6)])])
    sums = Forest([(_trees(booster), [1, 0])]).sums([asked[:, 1], asked[:, 0]])
    np.testing.assert_allclose(sums[0], _raw(booster, asked), rtol=0, atol=1e-9)
    assert np.std(sums[0]) > 0.1
    expected = np.asarray(booster.predict(asked[-30:], pred_contrib=True))
    np.testing.assert_allclose(TreePaths(_trees(booster)).contributions(asked[-30:]), expected, rtol=0, atol=1e-9)


def test_a_booster_that_learned_nothing_is_its_constant(rows: np.ndarray) -> None:
    constant = _booster(rows[:, 3:], rows[:, 0])
    sums = Forest([(_trees(constant), [3]), (_trees(_booster(rows, rows[:, 1])), range(4))]).sums(list(rows[:5].T))
    np.testing.assert_allclose(sums[0], _raw(constant, rows[:5, 3:]))
    assert Forest([(_trees(constant), [0])]).sums([np.empty(0)]).shape == (1, 0)


def test_trees_that_are_too_large_or_take_zero_for_missing_are_refused(rows: np.ndarray) -> None:
    with pytest.raises(ValueError, match="leaves"):
        Forest([(_trees(_booster(rows, rows[:, 1], num_leaves=LEAF_BITS + 1)), range(4))])
    with pytest.raises(ValueError, match="not a split on a number"):
        Forest([(_trees(_booster(rows, rows[:, 0], zero_as_missing=True)), range(4))])


def test_contributions_are_those_of_lightgbm(rows: np.ndarray) -> None:
    y = rows[:, 0] * np.nan_to_num(rows[:, 2], nan=3.0) + rows[:, 1]
    booster = _booster(rows, y, num_leaves=LEAF_BITS)
    asked = np.vstack([rows[:20], [[np.nan] * 4, [np.inf] * 4, [0.0] * 4]])
    expected = np.asarray(booster.predict(asked, pred_contrib=True))
    np.testing.assert_allclose(TreePaths(_trees(booster)).contributions(asked), expected, rtol=0, atol=1e-9)
    constant = _booster(rows[:, 3:], rows[:, 0])
    expected = np.asarray(constant.predict(rows[:2, 3:], pred_contrib=True))
    np.testing.assert_allclose(TreePaths(_trees(constant)).contributions(rows[:2, 3:]), expected)


def test_contributions_of_a_trained_classifier_are_those_of_lightgbm(predictor, shop) -> None:
    matrix = BaselinePrediction.of(shop.features(), predictor.base_).churn_matrix(90)
    booster = predictor.learned_.models.churn[90].booster_
    few, many = booster.contributions(matrix[:FEW_ROWS]), booster.contributions(matrix)
    np.testing.assert_allclose(few, many[:FEW_ROWS], rtol=0, atol=1e-9)
    assert np.abs(many[:, :-1]).max() > 0.1


@pytest.mark.parametrize(
    ("was", "written", "message"),
    [
        ("\nend of trees", "", "end of its trees"),
        ("version=v4", "version=v3", "version 4"),
        ("leaf_count=", "leaf_count=1 ", "numbers in leaf_count"),
        ("left_child=", "left_child=0 ", "numbers in left_child"),
        ("left_child=1", "left_child=0", "not those of a tree"),
        ("max_feature_idx=1", "max_feature_idx=0", "not among its 1"),
        ("decision_type=2", "decision_type=6", "not a split on a number"),
    ],
)
def test_what_is_no_tree_of_numbers_is_refused(rows: np.ndarray, was: str, written: str, message: str) -> None:
    text = _booster(rows[:, :2], rows[:, 0] % 2, trees=2).model_to_string()
    assert was in text
    with pytest.raises(ValueError, match=message):
        read_trees(text.replace(was, written))


def test_a_trained_predictor_corrects_as_each_of_its_boosters_would(predictor, shop) -> None:
    models = predictor.learned_.models
    baseline = BaselinePrediction.of(shop.features(), predictor.base_)
    together = models.predict(baseline)
    np.testing.assert_allclose(together.offset, models.offset.correction(baseline.matrix), rtol=0, atol=1e-9)
    np.testing.assert_allclose(
        together.spend, models.spend.correction(baseline.matrix) + models.spend_center, rtol=0, atol=1e-9
    )
    assert len(models.churn) == 2
    for horizon, classifier in models.churn.items():
        corrected = classifier.booster_.correction(baseline.churn_matrix(horizon))
        alone = classifier.calibrated(baseline.churn_log_odds(horizon), corrected)
        np.testing.assert_allclose(together.classified[horizon], alone, rtol=0, atol=1e-9)


@pytest.mark.parametrize("shares", [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0), (0.5, 0, 0.25)])
def test_what_the_guard_replaced_is_not_evaluated_and_changes_nothing(predictor, shop, monkeypatch, shares) -> None:
    features = shop.features()
    some = copy.copy(predictor)
    some.base_ = predictor.base_.with_beta_geo(Histories.from_table(features))
    alone = replace(predictor.learned_.models, prior=None)  # whose boosters are evaluated by themselves
    some.learned_ = replace(predictor.learned_, models=alone, own=OwnShares(*shares))
    evaluated: list[int] = []
    sums = Forest.sums

    def counted(forest: Forest, columns: Sequence[np.ndarray]) -> np.ndarray:
        found = sums(forest, columns)
        evaluated.append(len(found))
        return found

    monkeypatch.setattr(Forest, "sums", counted)
    found = some.predict(features)
    monkeypatch.setattr(FittedEnsemble, "used", Used())
    assert found.equals(some.predict(features))
    purchases, probability, spend = (share > 0 for share in shares)
    wanted = 2 * (purchases or probability) + spend + 2 * probability
    assert evaluated == [wanted] * (wanted > 0) + [5]


def test_contributions_on_paths_with_more_features_than_a_table_holds() -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(6000, 14))
    y = np.where((X > -1.2).all(axis=1), 1.0, 0.0) + 0.1 * X[:, 0]
    booster = _booster(X, y, num_leaves=LEAF_BITS)
    trees = _trees(booster)
    assert any(len(path_of_splits) > MOST_IN_TABLE for path_of_splits in _columns_on_paths(trees))
    expected = np.asarray(booster.predict(X[:30], pred_contrib=True))
    np.testing.assert_allclose(TreePaths(trees).contributions(X[:30]), expected, rtol=0, atol=1e-9)


def _columns_on_paths(trees: list[TextTree]) -> list[set[int]]:
    def below(tree: TextTree, child: int, columns: set[int]) -> list[set[int]]:
        if child < 0:
            return [columns]
        own = {*columns, int(tree.columns[child])}
        return [*below(tree, int(tree.left[child]), own), *below(tree, int(tree.right[child]), own)]

    return [columns for tree in trees for columns in below(tree, 0, set())]
