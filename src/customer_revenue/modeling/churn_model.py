"""What a churn classifier has learned, and how it answers: without the libraries that trained it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from customer_revenue.arrays import Floats
from customer_revenue.modeling.boosters import OffsetBooster


class ChurnModel:
    """A fitted classifier of no purchase within a horizon: a booster on a purchase model's log-odds, and a calibration.

    ``base_`` is the log-odds of the base rate, ``booster_`` the correction of the log-odds that it is given, and
    ``intercept_`` and ``slope_`` calibrate the corrected ones.
    """

    base_: float
    booster_: OffsetBooster
    intercept_: float
    slope_: float

    def __init__(self, settings: Mapping[str, Any], classes: list[float], features: int) -> None:
        self._settings, self._classes, self._features = dict(settings), classes, features

    def calibrated(self, offset: Floats, correction: Floats) -> Floats:
        """Calibrated log-odds of churn from the purchase model's and the booster's correction of them."""
        return self.intercept_ + self.slope_ * (offset + correction)

    def to_state(self) -> dict[str, Any]:
        """Everything but the trees, as JSON-able values."""
        return {
            "parameters": self._settings,
            "classes": self._classes,
            "features": self._features,
            "base": self.base_,
            "intercept": self.intercept_,
            "slope": self.slope_,
            "booster": self.booster_.to_state(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], text: str) -> Self:
        """What :meth:`to_state` wrote, and its booster's text."""
        model = cls(state["parameters"], state["classes"], state["features"])
        model.base_, model.intercept_, model.slope_ = state["base"], state["intercept"], state["slope"]
        model.booster_ = OffsetBooster.from_state(state["booster"], text)
        return model
