"""The churn classifier: the chance of no purchase within a horizon, calibrated on customers it did not train on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, check_X_y

from customer_revenue.arrays import Floats
from customer_revenue.modeling.boosters import TREES, OffsetBooster, binned
from customer_revenue.modeling.churn_model import ChurnModel

CALIBRATION_SHARE = 0.25
MIN_ROWS = 2


class ChurnClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """LightGBM on top of a purchase model's log-odds, then a logistic calibration on held-out customers.

    Class 1 is churn: no purchase within the horizon that the labels were made with.

    Args:
        offset_column: column of ``X`` with the log-odds of *churn* to start from; -1 for none, the base rate.
        trees: trees of the booster.
        clip: largest correction of the log-odds.
        seed: of the split and of bagging.
        categories: places of the columns that are codes of categories.
    """

    classes_: npt.NDArray[Any]
    n_features_in_: int
    base_: float
    booster_: OffsetBooster
    intercept_: float
    slope_: float

    def __init__(
        self,
        offset_column: int = -1,
        trees: int = TREES,
        clip: float = 3.0,
        seed: int = 0,
        categories: Sequence[int] = (),
    ) -> None:
        self.offset_column = offset_column
        self.trees = trees
        self.clip = clip
        self.seed = seed
        self.categories = categories

    def fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        groups: npt.NDArray[np.intp] | None = None,
        weight: Floats | None = None,
    ) -> Self:
        """Fit on rows of features and churn labels (0 or 1).

        Args:
            X: one row per customer and window; NaN is allowed.
            y: 1 where no purchase came.
            groups: one number per customer, so that nobody is in both parts of the split; each row its own by default.
            weight: of the rows.
        """
        rows, labels = check_X_y(X, y, ensure_all_finite="allow-nan", dtype=np.float64)
        check_classification_targets(labels)
        self.classes_, encoded = np.unique(labels, return_inverse=True)
        if len(self.classes_) > 2:
            raise ValueError("Only binary classification is supported: churned or not.")
        self.n_features_in_ = rows.shape[1]
        target = encoded.astype(np.float64)
        held_out = self._held_out(len(target) if groups is None else groups)
        if len(target) < MIN_ROWS:
            raise ValueError(f"n_samples = {len(target)}: at least {MIN_ROWS} rows are needed")
        rate = np.clip(target.mean(), 1e-4, 1 - 1e-4)
        self.base_ = float(np.log(rate / (1 - rate)))
        self.booster_ = OffsetBooster("binary", self.trees, self.clip, self.seed, self.categories)
        trained, tested = (None, None) if weight is None else (weight[~held_out], weight[held_out])
        bins = binned(rows[~held_out], self.seed, self.categories)
        self.booster_.fit(bins, target[~held_out], self._offset(rows)[~held_out], trained)
        del bins
        self.intercept_, self.slope_ = calibrate(self._raw(rows[held_out]), target[held_out], tested)
        return self

    @property
    def fitted(self) -> ChurnModel:
        """What was learned, apart from scikit-learn."""
        model = ChurnModel(self.get_params(), [float(c) for c in self.classes_], self.n_features_in_)
        model.base_, model.intercept_, model.slope_ = self.base_, self.intercept_, self.slope_
        model.booster_ = self.booster_
        return model

    def _held_out(self, groups: int | npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        place = np.arange(groups) if isinstance(groups, int) else np.unique(groups, return_inverse=True)[1]
        share = np.random.default_rng(self.seed).random(int(place.max()) + 1)
        # At least one group is left to train on.
        return np.asarray((share < CALIBRATION_SHARE) & (share > share.min()))[place]

    def _offset(self, X: Floats) -> Floats:
        return np.full(len(X), self.base_) if self.offset_column < 0 else np.asarray(X[:, self.offset_column])

    def _raw(self, X: Floats) -> Floats:
        return self._offset(X) + self.booster_.correction(X)

    def decision_function(self, X: npt.ArrayLike) -> Floats:
        """Calibrated log-odds of the second class, churn."""
        check_is_fitted(self)
        rows = check_array(X, ensure_all_finite="allow-nan", dtype=np.float64)
        if rows.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {rows.shape[1]} features, but ChurnClassifier is expecting "
                f"{self.n_features_in_} features as input"
            )
        return self.intercept_ + self.slope_ * self._raw(rows)

    def predict_proba(self, X: npt.ArrayLike) -> Floats:
        """Chance of staying and of churning, one column per class."""
        churn = expit(self.decision_function(X))
        both = np.column_stack([1 - churn, churn])
        return both if len(self.classes_) == 2 else np.ones((len(both), 1))

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """The likelier class."""
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[np.argmax(probabilities, axis=1)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags


def calibrate(scores: Floats, y: Floats, weight: Floats | None = None) -> tuple[float, float]:
    """Intercept and slope of a logistic regression of ``y`` on ``scores``, shrunk to 0 and 1 (Platt 1999).

    The shrinkage weighs as much as a handful of customers, so that a small hold-out changes little.
    """

    def loss(parameters: Floats) -> float:
        z = parameters[0] + parameters[1] * scores
        penalty = parameters[0] ** 2 + (parameters[1] - 1) ** 2
        losses = np.logaddexp(0.0, z) - y * z
        return float(np.sum(losses if weight is None else weight * losses) + 5.0 * penalty)

    if not len(y):
        return 0.0, 1.0
    result = scipy.optimize.minimize(loss, np.array([0.0, 1.0]), method="L-BFGS-B", bounds=[(-3, 3), (0.3, 2.0)])
    return float(result.x[0]), float(result.x[1])
