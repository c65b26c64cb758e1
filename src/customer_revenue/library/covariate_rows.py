"""From the rows of a frame to the histories that a purchase model with covariates takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue.arrays import Floats
from customer_revenue.errors import InvalidParameter
from customer_revenue.library.frame_columns import OTHER_NAMES
from customer_revenue.modeling.covariates import CovariateColumns
from customer_revenue.modeling.purchase_histories import HISTORY_COLUMNS, Histories

NOT_STATIC = (*HISTORY_COLUMNS, *OTHER_NAMES, "customer_id", "monetary_cents", "spend_days")
"""Columns that are the past itself."""

MAX_NEWCOMERS = 500
"""Customers over whom the expectations of a new customer are averaged where covariates differ."""


def with_columns(rows: pa.Table, values: pa.Table, names: Sequence[str]) -> pa.Table:
    """Rows of customers with some columns of other rows, which are null for customers who are not among them.

    Raises:
        InvalidParameter: a column is missing, there are two rows for a customer, or a column is one of the rows' own.
    """
    if absent := [name for name in ("customer_id", *names) if name not in values.column_names]:
        raise InvalidParameter(
            f"the values lack the columns {', '.join(absent)}: they have {', '.join(values.column_names)}"
        )
    if taken := [name for name in names if name in rows.column_names]:
        raise InvalidParameter(f"{', '.join(taken)} is a feature of the past, and no covariate: rename or leave it out")
    ids = values.column("customer_id").cast(pa.string()).combine_chunks()
    if pc.count_distinct(ids).as_py() < len(ids):
        raise InvalidParameter("the values have several rows for one customer: give one row per customer_id")
    places = pc.index_in(rows.column("customer_id").cast(pa.string()), value_set=ids)
    for name in names:
        rows = rows.append_column(name, values.column(name).take(places))
    return rows


class CovariateRows:
    """The covariates of one model; without names, rows are histories and nothing else.

    ``coding`` says what the columns mean, and ``newcomers`` are the customers of the fit on their first day.

    Raises:
        InvalidParameter: a name occurs twice, or is a column of the history itself.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        self.names: tuple[str, ...] = (names,) if isinstance(names, str) else tuple(names)
        if len(set(self.names)) < len(self.names):
            raise InvalidParameter(f"a covariate is named twice: {', '.join(self.names)}")
        if past := [name for name in self.names if name in NOT_STATIC]:
            raise InvalidParameter(f"{', '.join(past)} is what the model explains, and no covariate: leave it out")
        self.coding: CovariateColumns = CovariateColumns(())
        self.newcomers: Histories | None = None

    def learn(self, table: pa.Table) -> Histories:
        """The histories of the customers of a fit, after learning from them what the columns mean.

        Raises:
            InvalidParameter: a history is impossible, or a covariate cannot be used.
        """
        if not self.names:
            return Histories.from_table(table)
        self.coding = CovariateColumns.of(table, self.names)
        histories = self.histories(table)
        empty = Histories.of(0, 0, 0, weights=histories.weights).with_covariates(histories.covariates)
        self.newcomers = empty.distinct[0].sample(MAX_NEWCOMERS)
        return histories

    def histories(self, table: pa.Table) -> Histories:
        """The histories of rows, with their covariates.

        Raises:
            InvalidParameter: a history is impossible, or a covariate is missing.
        """
        return Histories.from_table(table).with_covariates(self.matrix(table))

    def matrix(self, table: pa.Table) -> Floats | None:
        """The covariates of rows."""
        if not self.names:
            return None
        if not self.coding.columns:
            raise InvalidParameter("fit the model first: it does not know its covariates yet")
        return self.coding.matrix(table)

    def newcomer(self, values: Mapping[str, object] | None) -> Histories | None:
        """A new customer with these values by column; by default those of the fit."""
        if values is None:
            return self.newcomers
        if unknown := [name for name in values if name not in self.names]:
            raise InvalidParameter(f"the model has no covariate {', '.join(unknown)}: it has {', '.join(self.names)}")
        row = pa.table({name: [value] for name, value in values.items()})
        return Histories.of([0], [0], [0]).with_covariates(self.matrix(row))

    def without(self, histories: Histories, name: str) -> Histories:
        """Histories without one of the covariates.

        Raises:
            InvalidParameter: it is none of them.
        """
        if name not in self.names:
            raise InvalidParameter(f"{name!r} is no covariate of this model: {', '.join(self.names)}")
        assert histories.covariates is not None, "there are names"
        return histories.with_covariates(np.delete(histories.covariates, self.coding.places(name), axis=1))

    def to_state(self) -> dict[str, Any]:
        """What the state of a model needs more for its covariates: nothing without them."""
        if self.newcomers is None or self.newcomers.covariates is None:
            return {}
        newcomers = {"values": self.newcomers.covariates.tolist(), "weights": self.newcomers.weights.tolist()}
        return {"covariates": self.coding.to_state(), "newcomers": newcomers}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> CovariateRows:
        """The covariates that :meth:`to_state` wrote."""
        if "covariates" not in state:
            return cls()
        coding, new = CovariateColumns.from_state(state["covariates"]), state["newcomers"]
        rows = cls([coded.column for coded in coding.columns])
        empty = Histories.of(0, 0, 0, weights=new["weights"])
        rows.coding = coding
        rows.newcomers = empty.with_covariates(np.asarray(new["values"], dtype=np.float64))
        return rows
