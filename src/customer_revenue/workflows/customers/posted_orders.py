"""Score order histories that are posted, for shops whose data lives elsewhere: the same facts and predictions."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo

import pyarrow as pa
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from customer_revenue.errors import InvalidParameter
from customer_revenue.orders.engines.duckdb.in_memory import canonical_in_memory, fetch_in_memory
from customer_revenue.periods import MAX_YEAR, MIN_YEAR, AsOf, Period, parse_day
from customer_revenue.policy import Policy
from customer_revenue.settings import Settings
from customer_revenue.tables import as_of_literal
from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.customers.batch import CustomerGroup, check_count, in_order, in_parts, uninterrupted
from customer_revenue.workflows.customers.response import completed
from customer_revenue.workflows.known_tables import CompleteOrders
from customer_revenue.workflows.parameters import MAX_ID_LENGTH, NO_NULL_CHARACTER
from customer_revenue.workflows.registry.bundles import LoadedModel, model_known_by

MAX_CENTS = 1_000_000_000_000
MAX_SHOWN_PLACES = 5
"""Maximum number of places that an error names, instead of ids."""

CustomerId = Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH, pattern=NO_NULL_CHARACTER)]


def _require_text(moment: object) -> object:
    if not isinstance(moment, str):
        raise ValueError("a moment must be text, such as 2023-01-15T09:00:00Z")
    return moment


def _require_supported_year(moment: dt.datetime) -> dt.datetime:
    if not MIN_YEAR <= moment.year <= MAX_YEAR:
        raise ValueError(f"the date must be on or after {MIN_YEAR}-01-01 and before {MAX_YEAR + 1}-01-01")
    return moment


Moment = Annotated[
    dt.datetime,
    Field(description="ISO 8601 time; in the reporting time zone if it has no offset."),
    BeforeValidator(_require_text),
    AfterValidator(_require_supported_year),
]


class StrictRequest(BaseModel):
    """A part of a request, without fields other than the documented ones."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


class HistoryOrder(StrictRequest):
    """An order in a history."""

    created_at: Moment = Field(examples=["2023-01-15T09:00:00Z"])
    total_cents: int = Field(
        strict=True, ge=0, le=MAX_CENTS, description="Total of the order, in cents.", examples=[10000]
    )
    status: Literal["paid", "refunded"] = Field(
        default="paid", description="`refunded` if the whole order was refunded."
    )


class HistoryRefund(StrictRequest):
    """A refund in a history, in addition to orders with the status `refunded`."""

    created_at: Moment = Field(examples=["2023-03-10T09:00:00Z"])
    amount_cents: int = Field(
        strict=True, gt=0, le=MAX_CENTS, description="The amount refunded, in cents.", examples=[2500]
    )


class History(StrictRequest):
    """The whole order history of one customer."""

    customer_id: CustomerId = Field(description="Any id; the response repeats it.", examples=["user_123"])
    orders: list[HistoryOrder] = Field(description="The orders, in any order.")
    refunds: list[HistoryRefund] = Field(default=[], description="The refunds, in any order.")


@dataclass(frozen=True)
class HistoryScorer:
    """Scores posted histories with a model and the policy; no store is asked.

    Args:
        model: the model in use.
        models: the folder of bundles; the past is answered by the newest that was trained by then, if there is one.
        policy: segments, stages, actions and offers.
        timezone: the reporting zone.
        currency: of the amounts, where the model does not say.
        max_customers: histories in one call.
        max_orders: orders and refunds in one history.
    """

    model: LoadedModel
    models: Path
    policy: Policy
    timezone: str
    currency: str
    max_customers: int
    max_orders: int

    @classmethod
    def of(cls, model: LoadedModel, policy: Policy, settings: Settings) -> HistoryScorer:
        """The scorer with the limits of the settings."""
        return cls(
            model,
            settings.models,
            policy,
            settings.timezone,
            model.currency or settings.currency,
            settings.batch_customers,
            settings.history_orders,
        )

    def score(
        self, histories: Sequence[History], as_of: str | None = None, *, between: Callable[[], None] = uninterrupted
    ) -> Body:
        """Summary, predictions and segment of each history, in the order posted.

        Args:
            histories: of different customers.
            as_of: score as of the end of this day; now by default. Orders after that are left out.
            between: is called before each part of the work, and may raise to stop it.

        Raises:
            InvalidParameter: too many histories, one that is too long, or a customer that occurs twice.
            ModelError: the model cannot predict.
        """
        self._check(histories)
        zone = ZoneInfo(self.timezone)
        when = AsOf.end_of(parse_day(as_of), zone) if as_of else AsOf.now(zone)
        model = model_known_by(self.models, self.model, when.day)
        predictor = model.predictor.as_of(when.day)
        found: dict[str, Body] = {}
        for part in in_parts(histories, between):
            tables = canonical_in_memory(_orders(part, zone), _refunds(part, zone), self.timezone)
            known = tables.until(as_of_literal(when.moment))
            complete = CompleteOrders.unstated(known)
            group = CustomerGroup(known, complete, fetch_in_memory, when, self.policy, self.currency)
            found |= group.bodies(Period.ALL_TIME, predictor)
        body = in_order([history.customer_id for history in histories], found)
        return completed(body, when, self.currency, self.timezone, model.version)

    def _check(self, histories: Sequence[History]) -> None:
        check_count(len(histories), self.max_customers, "customers")
        for place, history in enumerate(histories):
            length = len(history.orders) + len(history.refunds)
            if length > self.max_orders:
                raise InvalidParameter(
                    f"customers.{place}: a history of {length} orders and refunds; at most {self.max_orders}"
                )
        (name, times), *_ = Counter(history.customer_id for history in histories).most_common(1)
        if times > 1:
            places = [str(place) for place, history in enumerate(histories) if history.customer_id == name]
            where = ", ".join(places[:MAX_SHOWN_PLACES])
            raise InvalidParameter(f"customers: one id comes {times} times, at {where}; send one history per customer")


def _orders(histories: Sequence[History], zone: ZoneInfo) -> pa.Table:
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


def _refunds(histories: Sequence[History], zone: ZoneInfo) -> pa.Table:
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
