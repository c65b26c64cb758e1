"""Score histories that were sent, for shops whose data lives elsewhere: the same facts, features and predictions."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pyarrow as pa

from customer_revenue.errors import InvalidParameter
from customer_revenue.orders.engines.duckdb.in_memory import canonical_in_memory, fetch_in_memory
from customer_revenue.periods import AsOf, Period, parse_day
from customer_revenue.policy import Policy
from customer_revenue.settings import Settings
from customer_revenue.tables import as_of_literal
from customer_revenue.workflows.customers.batch import Body, Customers, check_count, in_order
from customer_revenue.workflows.customers.prediction_fields import predictor_as_of
from customer_revenue.workflows.registry.bundles import LoadedModel


@dataclass(frozen=True)
class SentOrder:
    """An order of a history. A time without a zone is in the reporting zone."""

    created_at: dt.datetime
    total_cents: int
    status: str


@dataclass(frozen=True)
class SentRefund:
    """A refund of a history, beyond the orders whose status is refunded."""

    created_at: dt.datetime
    amount_cents: int


@dataclass(frozen=True)
class SentHistory:
    """A customer's whole history."""

    customer_id: str
    orders: Sequence[SentOrder]
    refunds: Sequence[SentRefund]


class HistoryScorer:
    """Answers about histories, from a model and the policy; no store is asked."""

    def __init__(self, model: LoadedModel, policy: Policy, settings: Settings) -> None:
        self._model, self._policy, self._settings = model, policy, settings

    def score(self, histories: Sequence[SentHistory], as_of: str | None = None) -> Body:
        """Summary, predictions and segment of each history, in the order sent.

        Args:
            histories: of different customers.
            as_of: the day at whose end they are looked at; now by default. What comes later is left out.

        Raises:
            InvalidParameter: too many histories, one that is too long, or a customer that comes twice.
            ModelError: the model cannot predict.
        """
        self._check(histories)
        zone = ZoneInfo(self._settings.timezone)
        when = AsOf.end_of(parse_day(as_of), zone) if as_of else AsOf.now(zone)
        currency = self._model.currency or self._settings.currency
        tables = canonical_in_memory(_orders(histories, zone), _refunds(histories, zone), self._settings.timezone)
        known = tables.until(as_of_literal(when.moment))
        customers = Customers(known, fetch_in_memory, when, self._policy, currency)
        found = customers.answers(Period.ALL_TIME, predictor_as_of(self._model.predictor, when.day))
        return {
            "success": True,
            **in_order([history.customer_id for history in histories], found),
            "meta": {
                "calculation_date": when.calculation_date,
                "data_freshness": when.freshness,
                "currency": currency,
                "timezone": self._settings.timezone,
                "model_version": self._model.version,
            },
        }

    def _check(self, histories: Sequence[SentHistory]) -> None:
        check_count(len(histories), self._settings.batch_customers, "customers")
        most = self._settings.history_orders
        for history in histories:
            length = len(history.orders) + len(history.refunds)
            if length > most:
                raise InvalidParameter(
                    f"customers: the history of {history.customer_id[:100]!r} has {length} orders and refunds; "
                    f"at most {most}"
                )
        (name, times), *_ = Counter(history.customer_id for history in histories).most_common(1)
        if times > 1:
            raise InvalidParameter(f"customers: {name[:100]!r} comes {times} times; send one history a customer")


def _orders(histories: Sequence[SentHistory], zone: ZoneInfo) -> pa.Table:
    rows = [(history.customer_id, order) for history in histories for order in history.orders]
    return pa.table(
        {
            "id": pa.array([str(place) for place in range(len(rows))], pa.string()),
            "user_id": pa.array([name for name, _ in rows], pa.string()),
            "total_cents": pa.array([order.total_cents for _, order in rows], pa.int64()),
            "status": pa.array([order.status for _, order in rows], pa.string()),
            "created_at": pa.array([_utc(order.created_at, zone) for _, order in rows], pa.timestamp("us")),
        }
    )


def _refunds(histories: Sequence[SentHistory], zone: ZoneInfo) -> pa.Table:
    rows = [(history.customer_id, refund) for history in histories for refund in history.refunds]
    return pa.table(
        {
            "id": pa.array([str(place) for place in range(len(rows))], pa.string()),
            "order_id": pa.nulls(len(rows), pa.string()),
            "user_id": pa.array([name for name, _ in rows], pa.string()),
            "amount_cents": pa.array([refund.amount_cents for _, refund in rows], pa.int64()),
            "created_at": pa.array([_utc(refund.created_at, zone) for _, refund in rows], pa.timestamp("us")),
        }
    )


def _utc(moment: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return aware.astimezone(dt.UTC).replace(tzinfo=None)
