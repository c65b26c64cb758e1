"""What an estimator of ours has of scikit-learn's."""

from __future__ import annotations

from sklearn.base import BaseEstimator


class Estimator(BaseEstimator):  # type: ignore[misc]  # it has no types
    """``get_params``, ``set_params`` and ``clone``, without the methods that scikit-learn adds to route metadata."""

    def __init_subclass__(cls, **_: object) -> None:
        """Add nothing: ``set_fit_request`` and its like would be public methods that we do not support."""
