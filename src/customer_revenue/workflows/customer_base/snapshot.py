"""A snapshot of every customer as of one day, in memory: customers are looked up instead of asked of the store.

It is made from the same expressions and the same predictor as a single customer's response, for all customers at once.
Customers who are not in it, and other days or periods, are asked of the store. Its tables may lie in files that
several processes map, see ``snapshot_file.py``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue.orders.store import Store
from customer_revenue.revenue.breakdown import PeriodRow, ProductRow, by_product, monthly
from customer_revenue.revenue.profit import OWN_PROFIT_COLUMNS
from customer_revenue.tables import SUMMARY_COLUMNS, Canonical
from customer_revenue.workflows.customer_base.table_rows import SortedTexts, TableRows

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from customer_revenue.actions.decide import Decisions
    from customer_revenue.modeling.predictor import Predictor
    from customer_revenue.modeling.shap_reasons import ReasonInputs

ABSENT = -1
REFUSES_MARKETING = "refuses_marketing"
"""The column of the customers who do not accept marketing."""

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Grouped:
    """Rows of many customers, those of one customer next to each other."""

    rows: pa.Table
    ends: Places
    """Where the rows of each customer end."""

    @classmethod
    def of(cls, rows: pa.Table, ids: pa.Array) -> Grouped:
        """Group a table by its customers, in the order of ``ids``, which has them all."""
        places = _places(rows.column("customer_id"), ids)
        order = np.argsort(places, kind="stable")
        counts = np.bincount(places[places != ABSENT], minlength=len(ids))
        kept = rows.drop_columns(["customer_id"]).take(order[int(np.sum(places == ABSENT)) :])
        return cls(kept.combine_chunks(), np.cumsum(counts))

    def at(self, place: int, names: Sequence[str]) -> list[tuple[Any, ...]]:
        """Some columns of the rows of one customer."""
        begin = int(self.ends[place - 1]) if place else 0
        return self._values.between(begin, int(self.ends[place]), names)

    @cached_property
    def _values(self) -> TableRows:
        return TableRows(self.rows)


@dataclass(frozen=True)
class CustomerPredictions:
    """Predictions of some customers, and what explains them, in the same order.

    Args:
        table: the predictions, one row per customer.
        reason_inputs: what the reasons for their churn scores are made from.
        decisions: about them, where those have been made.
    """

    table: pa.Table
    reason_inputs: ReasonInputs
    decisions: Decisions | None = None

    @classmethod
    def of(cls, predictor: Predictor, features: pa.Table) -> CustomerPredictions:
        """What is predicted from a table of features.

        Raises:
            NotEnoughData: there are facts but no predictions.
        """
        table, reason_inputs = predictor.predict_with_reasons(features)
        return cls(table.combine_chunks(), reason_inputs)

    def at(self, place: int) -> CustomerPredictions:
        """One of the customers."""
        decisions = None if self.decisions is None else self.decisions.at(slice(place, place + 1))
        return CustomerPredictions(self.table.slice(place, 1), self.reason_inputs.at(place), decisions)

    def row_at(self, place: int) -> PredictedRow | None:
        """The same as a row; ``None`` where no decision has been made."""
        if self.decisions is None:
            return None
        decision = self.decisions.at(slice(place, place + 1))
        return PredictedRow(self._rows.at(place), self.reason_inputs.at(place), decision)

    @cached_property
    def _rows(self) -> TableRows:
        return TableRows(self.table)


@dataclass(frozen=True)
class PredictedRow:
    """The prediction of one customer, what explains it and the decision, without a table.

    Args:
        row: by the names of the columns of the predictions.
        reason_inputs: what the reasons for the churn score are made from.
        decision: about the customer.
    """

    row: dict[str, Any]
    reason_inputs: ReasonInputs
    decision: Decisions


@dataclass(frozen=True)
class SnapshotTables:
    """What a snapshot consists of.

    Args:
        rows: every customer with all-time facts, profit and :data:`REFUSES_MARKETING`, sorted by id, in one chunk.
        predictions: of those customers who have an order, in the same order; ``None`` where nothing can be predicted.
        prediction_places: the place of each customer's prediction, :data:`ABSENT` without one.
        months: the months with an order of each customer.
        products: revenue by product of each customer.
    """

    rows: pa.Table
    predictions: CustomerPredictions | None
    prediction_places: Places
    months: Grouped
    products: Grouped

    @classmethod
    def of(
        cls,
        listed: pa.Table,
        refusing: Sequence[str],
        predictions: CustomerPredictions | None,
        known: Canonical,
        store: Store,
    ) -> SnapshotTables:
        """Those of a store.

        Args:
            listed: every customer with their all-time facts and profit, sorted by customer id.
            refusing: the ids of those who do not accept marketing.
            predictions: of those customers who have an order, in the same order.
            known: the store's tables as they were known at the end of the day.
            store: the store.
        """
        refuses = pc.is_in(listed["customer_id"], value_set=pa.array(refusing, pa.string()))
        rows = listed.append_column(REFUSES_MARKETING, refuses).combine_chunks()
        ids = rows.column("customer_id").combine_chunks()
        predicted_ids = predictions.table.column("customer_id").combine_chunks() if predictions else ids[:0]
        return cls(
            rows,
            predictions,
            _places(ids, predicted_ids),
            Grouped.of(_fetch(store, monthly(known)), ids),
            Grouped.of(_fetch(store, by_product(known), ("product_id", "product_name")), ids),
        )

    @property
    def listed_rows(self) -> pa.Table:
        """Every customer with their facts and profit."""
        return self.rows.drop_columns([REFUSES_MARKETING])

    @property
    def customer_rows(self) -> pa.Table:
        """Every customer with their facts."""
        return self.listed_rows.drop_columns(list(OWN_PROFIT_COLUMNS))


class CustomerSnapshot:
    """All-time facts, months, products and predictions of every customer with an order by a day.

    Args:
        day: the as-of day.
        tables: of that day.
    """

    def __init__(self, day: dt.date, tables: SnapshotTables) -> None:
        self.day = day
        self.tables = tables
        rows = tables.rows
        self._facts = rows.select(SUMMARY_COLUMNS)
        self._fact_rows, self._profits = TableRows(self._facts), TableRows(rows.select(OWN_PROFIT_COLUMNS))
        self._refusing = rows[REFUSES_MARKETING].to_numpy()
        self._ids = SortedTexts(self._facts.column("customer_id").combine_chunks())
        self._predictions = tables.predictions
        self._prediction_places = tables.prediction_places
        self._months, self._products = tables.months, tables.products

    @property
    def has_predictions(self) -> bool:
        """Whether there are predictions."""
        return self._predictions is not None

    def place(self, customer_id: str) -> int | None:
        """Where a customer stands; ``None`` for a customer who is not in the snapshot."""
        return self._ids.place(customer_id)

    def facts(self, place: int) -> pa.Table:
        """The customer's row of the all-time summary."""
        return self._facts.slice(place, 1)

    def fact(self, place: int) -> dict[str, Any]:
        """The same by the names of its columns."""
        return self._fact_rows.at(place)

    def profit(self, place: int) -> dict[str, Any]:
        """The customer's cost and profit of all time, and what they rest on."""
        return self._profits.at(place)

    def refuses_marketing(self, place: int) -> bool:
        """Whether the customer does not accept marketing."""
        return bool(self._refusing[place])

    def predictions(self, place: int) -> CustomerPredictions | None:
        """What is predicted for the customer; ``None`` where nothing can be predicted."""
        found = self._prediction_place(place)
        return None if self._predictions is None or found is None else self._predictions.at(found)

    def predicted_row(self, place: int) -> PredictedRow | None:
        """The same without a table; ``None`` also where no decision has been made."""
        found = self._prediction_place(place)
        return None if self._predictions is None or found is None else self._predictions.row_at(found)

    def _prediction_place(self, place: int) -> int | None:
        found = int(self._prediction_places[place])
        return None if found == ABSENT else found

    def months(self, place: int) -> list[PeriodRow]:
        """The customer's months with an order."""
        return [PeriodRow(*row) for row in self._months.at(place, PeriodRow._fields)]

    def products(self, place: int) -> list[ProductRow]:
        """The customer's revenue by product."""
        return [ProductRow(*row) for row in self._products.at(place, ProductRow._fields)]


def _places(values: pa.Array | pa.ChunkedArray, among: pa.Array) -> Places:
    """The place of each value in another column, :data:`ABSENT` where it is not there."""
    found = pc.fill_null(pc.index_in(values, value_set=among), ABSENT)
    return np.asarray(found.to_numpy() if isinstance(found, pa.ChunkedArray) else found, np.int64)


def _fetch(store: Store, expr: ir.Table, repeated: Sequence[str] = ()) -> pa.Table:
    """Rows of all customers, texts that repeat kept once."""
    rows = store.fetch(expr)
    for name in repeated:
        rows = rows.set_column(rows.schema.get_field_index(name), name, rows.column(name).dictionary_encode())
    return rows
