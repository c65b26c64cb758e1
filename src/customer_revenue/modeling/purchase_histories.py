"""Purchase histories as arrays: the data of the purchase models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from customer_revenue.arrays import Floats
from customer_revenue.errors import InvalidParameter
from customer_revenue.tables import check_columns

HISTORY_COLUMNS = ("frequency", "recency_days", "T_days", "log_gap_sum", "weights")
"""Columns of a table of histories; the last two are optional."""


def column(table: pa.Table, name: str) -> Floats:
    """A column as floats, nulls as NaN."""
    return np.asarray(table.column(name).to_numpy(), dtype=np.float64)


def columns(table: pa.Table, names: Sequence[str]) -> dict[str, Floats]:
    """Columns as floats by their names, nulls as NaN: all at once, since a customer's row has many."""
    chosen = table.select(names)
    if any(pa.types.is_decimal(kind) for kind in chosen.schema.types):  # the exact sums of some engines
        chosen = chosen.cast(pa.schema([(name, pa.float64()) for name in names]))
    batches = chosen.combine_chunks().to_batches()
    if not batches:
        return {name: np.zeros(0) for name in names}
    matrix = batches[0].to_tensor(null_to_nan=True, row_major=False).to_numpy()
    return dict(zip(names, matrix.T.astype(np.float64, copy=False), strict=True))


@dataclass(frozen=True)
class Histories:
    """One row per customer, or one row per distinct history with the number of customers that share it.

    ``frequency`` counts the purchase days after the first, ``recency_days`` are from the first to the last of them and
    ``T_days`` from the first to the as-of day (Fader, Hardie & Lee 2005). ``log_gap_sum`` is the sum of the logarithms
    of the gaps between purchase days, in days; only the regularity model needs it. ``covariates`` has a column for each
    covariate of the models with effects (:class:`~customer_revenue.modeling.covariates.CovariateColumns`).
    """

    frequency: Floats
    recency_days: Floats
    T_days: Floats
    log_gap_sum: Floats
    weights: Floats
    covariates: Floats | None = None

    @classmethod
    def of(
        cls,
        frequency: npt.ArrayLike,
        recency_days: npt.ArrayLike,
        T_days: npt.ArrayLike,
        log_gap_sum: npt.ArrayLike = 0.0,
        weights: npt.ArrayLike = 1.0,
    ) -> Histories:
        """Histories from anything that broadcasts together.

        Raises:
            InvalidParameter: an impossible history, such as a recency above T, or repeat purchases without recency.
        """
        values = (frequency, recency_days, T_days, log_gap_sum, weights)
        return cls(*np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in values)))._checked()

    @classmethod
    def from_columns(cls, values: Mapping[str, Floats]) -> Histories:
        """Histories from arrays by the names of :data:`HISTORY_COLUMNS`.

        Raises:
            InvalidParameter: an impossible history.
        """
        known = values["frequency"], values["recency_days"], values["T_days"]
        gaps, weights = values.get("log_gap_sum"), values.get("weights")
        return cls(
            *known,
            np.zeros_like(known[0]) if gaps is None else gaps,
            np.ones_like(known[0]) if weights is None else weights,
        )._checked()

    @classmethod
    def from_table(cls, table: pa.Table) -> Histories:
        """Histories from the columns ``frequency, recency_days, T_days``, and ``log_gap_sum`` and ``weights`` if there.

        Raises:
            TypeError: a column is missing.
            InvalidParameter: an impossible history.
        """
        check_columns(table, HISTORY_COLUMNS[:3], "the table of histories")
        there = [name for name in HISTORY_COLUMNS if name in table.column_names]
        return cls.from_columns(columns(table, there))

    def _checked(self) -> Self:
        x, t_x = self.frequency, self.recency_days
        if impossible := int(np.sum((x < 0) | (t_x < 0) | (t_x > self.T_days) | ((x > 0) != (t_x > 0)))):
            raise InvalidParameter(
                f"{impossible} impossible histories: recency lies between 0 and T, and is 0 exactly for no repeats"
            )
        return self

    def __len__(self) -> int:
        return len(self.frequency)

    @property
    def has_repeats(self) -> bool:
        """Whether anybody bought on a second day."""
        return bool(np.any(self.frequency > 0))

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_] | slice) -> Histories:
        """Some of the rows."""
        return Histories(
            self.frequency[rows],
            self.recency_days[rows],
            self.T_days[rows],
            self.log_gap_sum[rows],
            self.weights[rows],
            None if self.covariates is None else self.covariates[rows],
        )

    def scaled(self, factor: float) -> Histories:
        """The same histories in another unit of time; ``log_gap_sum`` stays, which only adds a constant."""
        return replace(self, recency_days=self.recency_days * factor, T_days=self.T_days * factor)

    def with_covariates(self, covariates: Floats | None) -> Histories:
        """The same histories with these covariates, one row per history, or with none."""
        return replace(self, covariates=covariates)

    def sample(self, max_rows: int) -> Histories:
        """Every n-th row, so that at most ``max_rows`` are left."""
        return self.take(slice(None, None, max(-(-len(self) // max_rows), 1)))

    @cached_property
    def distinct(self) -> tuple[Histories, npt.NDArray[np.intp]]:
        """The distinct (frequency, recency, T, covariates) with summed weights, and for each row the place of its own.

        ``log_gap_sum`` becomes the weighted mean of those merged, so that weighted sums over it stay exact.
        """
        # One integer key per row: np.unique(axis=0) sorts ten times slower.
        key = (self.frequency * (self.T_days.max(initial=0) + 1) + self.recency_days) * (
            self.T_days.max(initial=0) + 1
        ) + self.T_days
        if self.covariates is not None:
            key = _joint_keys([key, *self.covariates.T])
        _, first, place = np.unique(key, return_index=True, return_inverse=True)
        weights = np.asarray(np.bincount(place, self.weights), dtype=np.float64)
        gaps = np.bincount(place, self.weights * self.log_gap_sum) / np.maximum(weights, 1e-300)
        return replace(self.take(first), log_gap_sum=gaps, weights=weights), np.asarray(place)


def _joint_keys(parts: Sequence[Floats]) -> Floats:
    """One number per row, the same for two rows exactly where all parts are the same."""
    joint = np.zeros(len(parts[0]), dtype=np.int64)
    for part in parts:
        values, place = np.unique(part, return_inverse=True)
        _, joint = np.unique(joint * len(values) + place, return_inverse=True)  # numbered anew, so never too large
    return joint.astype(np.float64)
