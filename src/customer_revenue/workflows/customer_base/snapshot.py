"""Every customer as of one day, in memory: what the service looks up instead of asking the store each time.

It is made from the same expressions and the same predictor as a single customer's answer, for all customers at once;
whoever is not in it, and whatever is asked about another day or period, is asked of the store.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, overload

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from typing_extensions import override

from customer_revenue.actions.recommend import Choices
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.modeling.shap_reasons import Grounds
from customer_revenue.orders.store import Store
from customer_revenue.revenue.breakdown import PeriodRow, ProductRow, by_product, monthly
from customer_revenue.revenue.summary import SUMMARY_COLUMNS
from customer_revenue.tables import Canonical

ABSENT = -1
KEPT_PLACES = 1024
"""An answer looks its customer up several times."""

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Grouped:
    """Rows of many customers, those of one together."""

    rows: pa.Table
    ends: Places
    """Where the rows of each customer of the book end."""

    @classmethod
    def of(cls, rows: pa.Table, ids: pa.Array) -> Grouped:
        """Group a table by its customers, in the order of ``ids``, which has them all."""
        places = _places(rows.column("customer_id"), ids)
        order = np.argsort(places, kind="stable")
        counts = np.bincount(places[places != ABSENT], minlength=len(ids))
        kept = rows.drop_columns(["customer_id"]).take(order[int(np.sum(places == ABSENT)) :])
        return cls(kept.combine_chunks(), np.cumsum(counts))

    def at(self, place: int) -> list[dict[str, Any]]:
        """The rows of one customer."""
        begin = int(self.ends[place - 1]) if place else 0
        found: list[dict[str, Any]] = self.rows.slice(begin, int(self.ends[place]) - begin).to_pylist()
        return found


@dataclass(frozen=True)
class CustomerPredictions:
    """Predictions of some customers, in their order, and what to tell with them.

    Args:
        predictions: one row a customer.
        grounds: of the reasons for their churn scores.
        choices: their actions, where those have been chosen.
    """

    predictions: pa.Table
    grounds: Grounds
    choices: Choices | None = None

    @classmethod
    def of(cls, predictor: Predictor, features: pa.Table) -> CustomerPredictions:
        """What is predicted from a table of features.

        Raises:
            NotEnoughData: there are facts but no predictions.
        """
        return cls(predictor.predict(features).combine_chunks(), predictor.grounds(features))

    def at(self, place: int) -> CustomerPredictions:
        """One of the customers."""
        choices = None if self.choices is None else self.choices.of(place)
        return CustomerPredictions(self.predictions.slice(place, 1), self.grounds.at(place), choices)


class CustomerSnapshot:
    """Facts, months, products and predictions of every customer with an order, of all time up to a day.

    Args:
        day: the as-of day.
        facts: the all-time summary, in the order of the ids, of one chunk.
        foreseen: of those of them who have an order, in the order of the ids; ``None`` where there can be none.
        known: the store's tables as they were known at the end of the day.
        store: the store.
    """

    def __init__(
        self,
        day: dt.date,
        facts: pa.Table,
        foreseen: CustomerPredictions | None,
        known: Canonical,
        store: Store,
    ) -> None:
        self.day = day
        self._facts = facts.select(SUMMARY_COLUMNS)
        ids = self._facts.column("customer_id").combine_chunks()
        self.place: Callable[[str], int | None] = lru_cache(KEPT_PLACES)(partial(_find, _Texts(ids)))
        """Where a customer stands; ``None`` for one who is not in the book."""
        self._foreseen = foreseen
        foreseen_ids = foreseen.predictions.column("customer_id").combine_chunks() if foreseen else ids[:0]
        self._foreseen_places = _places(ids, foreseen_ids)
        self._months = Grouped.of(_fetch(store, monthly(known)), ids)
        self._products = Grouped.of(_fetch(store, by_product(known), ("product_id", "product_name")), ids)

    @property
    def predicted(self) -> bool:
        """Whether there are predictions."""
        return self._foreseen is not None

    def facts(self, place: int) -> pa.Table:
        """The customer's row of the all-time summary."""
        return self._facts.slice(place, 1)

    def foreseen(self, place: int) -> CustomerPredictions | None:
        """What is predicted for the customer; ``None`` where nothing can be predicted."""
        return None if self._foreseen is None else self._foreseen.at(int(self._foreseen_places[place]))

    def months(self, place: int) -> list[PeriodRow]:
        """The customer's months with an order."""
        return [PeriodRow(**row) for row in self._months.at(place)]

    def products(self, place: int) -> list[ProductRow]:
        """The customer's revenue by product."""
        return [ProductRow(**row) for row in self._products.at(place)]


class _Texts(Sequence[str]):
    """A sorted Arrow column as a sequence, to be searched without a Python object for each of its texts."""

    def __init__(self, column: pa.Array) -> None:
        self._column = column

    @override
    def __len__(self) -> int:
        return len(self._column)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    @override
    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        found: str | Sequence[str] = (
            self._column[place].as_py() if isinstance(place, int) else self._column[place].to_pylist()
        )
        return found


def _find(ids: Sequence[str], customer_id: str) -> int | None:
    found = bisect_left(ids, customer_id)
    return found if found < len(ids) and ids[found] == customer_id else None


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
