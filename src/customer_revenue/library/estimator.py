"""What an estimator of ours has of scikit-learn's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:

    class BaseEstimator:
        """The part of scikit-learn's that users call; it has no types of its own."""

        _repr_html_: Any

        def get_params(self, deep: bool = True) -> dict[str, Any]:
            """The settings by name."""

        def set_params(self, **params: Any) -> Self:
            """Change settings by name."""

else:
    from sklearn.base import BaseEstimator


class Estimator(BaseEstimator):
    """``get_params``, ``set_params`` and ``clone``, without the methods that scikit-learn adds to route metadata."""

    def __init_subclass__(cls, **_: object) -> None:
        """Add nothing: ``set_fit_request`` and its like would be public methods that we do not support."""
