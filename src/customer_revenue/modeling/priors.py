"""Priors of the parameters of the probability models, for the maximum a posteriori (MAP)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from customer_revenue.arrays import Floats

Priors = Mapping[str, tuple[float, float]]
"""By parameter, its median and its spread: the parameter's logarithm is normal with the median's logarithm as its mean
and the spread as its standard deviation, so that 95 % of it are within the median times or over exp(1.96 spread)."""


@dataclass(frozen=True)
class LogPrior:
    """Independent normal priors of the logarithms of parameters; a precision of 0 is no prior."""

    means: Floats
    precisions: Floats

    @classmethod
    def of(
        cls, priors: Priors, names: Sequence[str], units: Mapping[str, float] | None = None, effects: int = 0
    ) -> LogPrior:
        """The priors of a model's parameters.

        Args:
            priors: by name; those of other parameters are left out.
            names: the parameters in their order.
            units: what the parameter of a name is multiplied by in the search.
            effects: number of last parameters, which have no prior.
        """
        means, precisions = np.zeros(len(names) + effects), np.zeros(len(names) + effects)
        for place, name in enumerate(names):
            if name in priors:
                median, spread = priors[name]
                means[place] = np.log(median * (units or {}).get(name, 1.0))
                precisions[place] = spread**-2
        return cls(means, precisions)

    def loss(self, logs: Floats) -> float:
        """Minus the log-density, without what does not depend on the parameters."""
        return float(self.precisions @ (logs - self.means) ** 2 / 2)

    def slope(self, logs: Floats) -> Floats:
        """The derivatives of the loss by the logarithms."""
        return np.asarray(self.precisions * (logs - self.means))
