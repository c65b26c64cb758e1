"""LightGBM regressions with an offset: they learn corrections of another model's predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from customer_revenue.arrays import Floats
from customer_revenue.modeling.text_trees import TextTree, feature_count, read_trees
from customer_revenue.modeling.tree_contributions import FEW_ROWS, TreePaths
from customer_revenue.settings import ModelOptions

if TYPE_CHECKING:
    import lightgbm as lgb

MIN_ROWS_PER_LEAF = 20
ROWS_PER_LEAF_SHARE = 0.004
"""A leaf needs this share of the rows, so that small shops grow small trees."""

TREES = ModelOptions().trees

BOOSTER_PARAMETERS: dict[str, Any] = {
    "learning_rate": 0.12,
    "num_leaves": 12,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    # Threads that wait for each other cost tenfold on a busy machine; boosters are trained side by side instead.
    "num_threads": 1,
    "verbosity": -1,
    "deterministic": True,
    # In one thread the same trees as by rows, an eighth faster.
    "force_col_wise": True,
}


class OffsetBooster:
    """A boosted correction on the scale of the link (log or log-odds), added to a given offset.

    Args:
        objective: ``binary`` (log-odds), ``poisson`` or ``tweedie`` (logarithms).
        trees: number of trees.
        clip: largest correction in either direction, so that no customer leaves the offset by more.
        seed: of bagging.
        categories: places of the columns that are codes of categories, NaN for missing.
    """

    def __init__(
        self,
        objective: str,
        trees: int = TREES,
        clip: float = 2.0,
        seed: int = 0,
        categories: Sequence[int] = (),
    ) -> None:
        self.objective = objective
        self.trees = trees
        self.clip = clip
        self.seed = seed
        self.categories = categories
        self._text = ""
        """Trees that are read without LightGBM until they must be LightGBM's own; empty after a fit."""

    def fit(self, X: Floats | lgb.Dataset, y: Floats, offset: Floats, weight: Floats | None = None) -> Self:
        """Learn the correction from rows of features, outcomes and offsets.

        Args:
            X: one row per customer and window; or the result of :func:`binned`, where several boosters share it.
            y: outcomes.
            offset: on the scale of the link.
            weight: of the rows.
        """
        import lightgbm as lgb

        data = X if isinstance(X, lgb.Dataset) else binned(X, self.seed, self.categories)
        data.set_label(_own(y)).set_weight(weight).set_init_score(_own(offset))
        parameters = {**_dataset_parameters(len(y), self.seed), "objective": self.objective}
        if self.objective == "tweedie":
            parameters["tweedie_variance_power"] = 1.5
        self._text = ""
        for name in ("grown", "_paths"):
            vars(self).pop(name, None)
        self.trained = lgb.train(parameters, data, num_boost_round=self.trees)
        return self

    @cached_property
    def trained(self) -> lgb.Booster:
        """LightGBM's own booster."""
        import lightgbm as lgb

        assert self._text, "fit first"
        return lgb.Booster(model_str=self._text)

    @cached_property
    def _paths(self) -> TreePaths:
        return TreePaths(self.grown)

    @cached_property
    def grown(self) -> list[TextTree]:
        """The trees, read from their text."""
        return read_trees(self.to_text())

    @property
    def features(self) -> int:
        """How many features the trees were trained on."""
        return feature_count(self._text) if self._text else int(self.trained.num_feature())

    def correction(self, X: Floats) -> Floats:
        """The learned correction, clipped, one per row."""
        return self.clipped(np.asarray(self.trained.predict(X, raw_score=True, num_threads=1), dtype=np.float64))

    def clipped(self, sums: Floats) -> Floats:
        """The correction from the sums of the trees' leaves."""
        return np.clip(sums, -self.clip, self.clip)

    def contributions(self, X: Floats) -> Floats:
        """Each feature's part of the unclipped correction, the constant last."""
        if len(X) <= FEW_ROWS:
            return self._paths.contributions(X)
        return np.asarray(self.trained.predict(X, pred_contrib=True, num_threads=1), dtype=np.float64)

    def to_state(self) -> dict[str, Any]:
        """The settings as JSON-able values; the trees are in :meth:`to_text`."""
        return {"objective": self.objective, "trees": self.trees, "clip": self.clip, "seed": self.seed}

    def to_text(self) -> str:
        """The trees in LightGBM's text format."""
        return self._text or str(self.trained.model_to_string())

    @classmethod
    def from_state(cls, state: Mapping[str, Any], text: str) -> Self:
        """The booster of :meth:`to_state` and :meth:`to_text`.

        Raises:
            ValueError: the text does not make trees.
        """
        booster = cls(**state)
        booster._text = text
        booster.grown = read_trees(text)
        return booster


def binned(X: Floats, seed: int, categories: Sequence[int] = ()) -> lgb.Dataset:
    """Rows of features in LightGBM's bins, which take as long to find as a dozen trees.

    Args:
        X: one row per customer and window.
        seed: of bagging.
        categories: places of the columns that are codes of categories.
    """
    import lightgbm as lgb

    parameters = _dataset_parameters(len(X), seed)
    rows = lgb.Dataset(_own(X), params=parameters, free_raw_data=True)
    return (rows.set_categorical_feature(list(categories)) if categories else rows).construct()


def _dataset_parameters(rows: int, seed: int) -> dict[str, Any]:
    leaf = max(MIN_ROWS_PER_LEAF, int(ROWS_PER_LEAF_SHARE * rows))
    return {**BOOSTER_PARAMETERS, "min_data_in_leaf": leaf, "seed": seed}


def _own(values: Floats) -> Floats:
    """The values in memory of their own: LightGBM warns of views."""
    return values if values.base is None else values.copy()
