"""One customer out of the snapshot in memory; what the snapshot lacks is asked of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from typing_extensions import override

from customer_revenue.choices import Breakdown
from customer_revenue.periods import AsOf, Period
from customer_revenue.revenue.breakdown import PeriodRow, ProductRow
from customer_revenue.workflows.customer_base.snapshot import (
    CustomerPredictions,
    CustomerSnapshot,
    PredictedRow,
)
from customer_revenue.workflows.customers.store_reader import CustomerQueries, StoredCustomer

if TYPE_CHECKING:
    from customer_revenue.modeling.predictor import Predictor


class SnapshotCustomer(StoredCustomer):
    """One customer of a snapshot: all-time facts, months, products and predictions without a query.

    Args:
        queries: over the store, for other periods, quarters and features.
        customer_id: the customer.
        when: the moment of the snapshot.
        snapshot: holds the customer.
        place: of the customer in the snapshot.
    """

    def __init__(
        self, queries: CustomerQueries, customer_id: str, when: AsOf, snapshot: CustomerSnapshot, place: int
    ) -> None:
        super().__init__(queries, customer_id, when)
        self._snapshot, self._place = snapshot, place
        self._fact: dict[str, Any] | None = None
        self._products: list[ProductRow] | None = None

    @override
    def holds(self, period: Period, breakdowns: frozenset[Breakdown]) -> bool:
        all_time = period is Period.ALL_TIME
        return all_time and self._snapshot.has_predictions and Breakdown.QUARTERLY not in breakdowns

    @override
    def months(self, period: Period) -> list[PeriodRow]:
        return self._snapshot.months(self._place) if period is Period.ALL_TIME else super().months(period)

    @override
    def products(self, period: Period) -> list[ProductRow]:
        if period is not Period.ALL_TIME:
            return super().products(period)
        if self._products is None:
            self._products = self._snapshot.products(self._place)
        return self._products

    @override
    def predictions(self, predictor: Predictor) -> CustomerPredictions | None:
        return self._snapshot.predictions(self._place) or super().predictions(predictor)

    @override
    def predicted_row(self) -> PredictedRow | None:
        return self._snapshot.predicted_row(self._place)

    @override
    def profit(self, period: Period) -> dict[str, Any]:
        return self._snapshot.profit(self._place) if period is Period.ALL_TIME else super().profit(period)

    @override
    def refuses_marketing(self) -> bool:
        return self._snapshot.refuses_marketing(self._place)

    @override
    def fact(self, period: Period) -> dict[str, Any]:
        if period is not Period.ALL_TIME:
            return super().fact(period)
        if self._fact is None:
            self._fact = self._snapshot.fact(self._place)
        return self._fact

    @override
    def _read_facts(self, period: Period) -> pa.Table:
        return self._snapshot.facts(self._place) if period is Period.ALL_TIME else super()._read_facts(period)
