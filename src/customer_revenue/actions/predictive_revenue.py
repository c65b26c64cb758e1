"""The predictive distribution of a customer's revenue, read back from the predictions' columns.

With chance 1 - p there is no revenue. Given a purchase the revenue is gamma, with the mean that makes the whole mean
the predicted one, and the shape whose interval comes nearest to the predicted one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.special import gammainc, gammaincc, gammaincinv

from customer_revenue.arrays import Floats
from customer_revenue.tables import check_columns

INTERVAL_COLUMNS = (
    "purchase_probability",
    "expected_revenue_cents",
    "revenue_high_cents",
    "interval_mass",
)
GAMMA_SHAPES = np.geomspace(0.1, 100.0, 241)
DEFAULT_SHAPE = 1.5
"""Shape where the interval does not determine it, because it ends at 0."""


@dataclass(frozen=True)
class Predictive:
    """Revenue within a horizon, one value per customer: chance of any, mean given some, shape of the gamma."""

    probability: Floats
    mean_cents: Floats
    shape: Floats

    @classmethod
    def of(cls, predictions: pa.Table) -> Predictive:
        """The distributions behind a table of predictions with :data:`INTERVAL_COLUMNS`, in its order.

        Raises:
            TypeError: a column is missing.
        """
        check_columns(predictions, INTERVAL_COLUMNS, "the table of predictions")
        p, expected, high, mass = (np.asarray(predictions[name].to_numpy(), np.float64) for name in INTERVAL_COLUMNS)
        p = np.clip(p, 1e-9, 1.0)
        mean = np.maximum(expected, 0.0) / p
        below_high = ((1 + mass) / 2 - (1 - p)) / p
        known = (high > 0) & (mean > 0) & (below_high > 0) & (below_high < 1)
        ratio = np.where(known, high / np.maximum(mean, 1e-9), 1.0)
        return cls(p, mean, np.where(known, _shape(ratio, below_high), DEFAULT_SHAPE))

    @property
    def expected_cents(self) -> Floats:
        """The mean of all, buyers or not."""
        return np.asarray(self.probability * self.mean_cents)

    @property
    def variances(self) -> Floats:
        """The variance of all, in cents squared."""
        squares = self.probability * self.mean_cents**2 * (1 + 1 / self.shape)
        return np.asarray(squares - self.expected_cents**2)

    def at_most(self, cents: Floats) -> Floats:
        """The chance of a revenue up to an amount, for each customer."""
        share = np.maximum(cents, 0.0) / np.maximum(self.mean_cents, 1e-9)
        given_some = np.where(self.mean_cents > 0, gammainc(self.shape, self.shape * share), 1.0)
        return np.where(cents < 0, 0.0, 1 - self.probability + self.probability * given_some)

    def mean_above(self, cents: Floats) -> Floats:
        """The mean revenue of those of whom it reaches an amount above 0, for each customer; at least that amount."""
        share = self.shape * np.maximum(cents, 0.0) / np.maximum(self.mean_cents, 1e-9)
        reached = np.maximum(gammaincc(self.shape, share), 1e-300)
        return np.asarray(np.maximum(self.mean_cents * gammaincc(self.shape + 1, share) / reached, cents))

    def quantile(self, chance: float) -> Floats:
        """The amount that the revenue stays below with a chance, for each customer."""
        inside = np.clip((chance - (1 - self.probability)) / self.probability, 0.0, 1 - 1e-12)
        return np.asarray(gammaincinv(self.shape, inside) / self.shape * self.mean_cents)

    def within(self, cents: Floats, tolerance_cents: Floats) -> Floats:
        """The chance of a revenue no further than a tolerance from an amount, for each customer."""
        # Nothing at all is within the tolerance, too, where the band reaches down to 0.
        below = np.where(cents - tolerance_cents <= 0, 0.0, self.at_most(cents - tolerance_cents))
        return np.asarray(self.at_most(cents + tolerance_cents) - below)


def _shape(ratio: Floats, chance: Floats) -> Floats:
    """The shape of the gamma of mean 1 that stays below ``ratio`` with a chance.

    An end near the mean may fit two shapes; the one nearer to the default is chosen. Where none fits, the nearest.
    """
    missed = gammainc(GAMMA_SHAPES, GAMMA_SHAPES * ratio[:, None]) - chance[:, None]
    crossed = missed[:, 1:] * missed[:, :-1] <= 0
    distance = np.where(crossed, np.abs(np.log(GAMMA_SHAPES[1:] / DEFAULT_SHAPE)), np.inf)
    nearest = np.where(crossed.any(axis=1), distance.argmin(axis=1), np.abs(missed).argmin(axis=1))
    return np.asarray(GAMMA_SHAPES[nearest])
