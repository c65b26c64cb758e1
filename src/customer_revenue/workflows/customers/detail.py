"""What a customer's page shows in addition to the response: their orders and refunds, their curve, and its history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa

from customer_revenue import lazy_ibis as ibis
from customer_revenue.actions.forecast import HIGH, LOW
from customer_revenue.actions.predictive_revenue import Predictive
from customer_revenue.errors import NotEnoughData
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.modeling.purchase_histories import column
from customer_revenue.orders.store import Store, parameter
from customer_revenue.periods import AsOf, Period, month_starts
from customer_revenue.tables import COUNTED_STATUSES, Canonical
from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.customers.store_reader import StoredCustomer

if TYPE_CHECKING:
    import ibis.expr.types as ir

CURVE_POINTS = 74
ALIVE_POINTS = 24
FORECAST_POINTS = 12
PRODUCTS_SHOWN = 3
PERIOD_PARAMETERS = ("user_id", "moment", "first_day")


class CustomerDetail:
    """Compiled queries about one customer at a time.

    Args:
        store: the orders.
        predictor: gives the predictor that answers as of a moment; ``None`` without a model.
    """

    def __init__(self, store: Store, predictor: Callable[[AsOf], Predictor] | None) -> None:
        self._store, self._predictor = store, predictor
        moment = cast("ir.TimestampScalar", parameter("moment", "timestamp"))
        first_day = cast("ir.DateScalar", parameter("first_day", "date"))
        known = store.tables.until(moment).of_customer(cast("ir.StringScalar", parameter("user_id", "string")))
        transactions = _transactions(known, first_day)
        self._named = store.prepare(known.users.select("name", "email").limit(1), ("user_id",))
        self._counts = store.prepare(
            transactions.aggregate(
                transactions=transactions.count(),
                orders=(transactions.kind == "order").ifelse(1, 0).sum().coalesce(0),
                first_purchase=(transactions.kind == "order").ifelse(transactions.day, ibis.null("date")).min(),
            ),
            PERIOD_PARAMETERS,
        )
        self._transactions = store.prepare(
            _page(transactions, cast("ir.IntegerScalar", parameter("offset", "int64")), parameter("until", "int64")),
            (*PERIOD_PARAMETERS, "offset", "until"),
        )
        self._lines = store.prepare(_lines(known, first_day), PERIOD_PARAMETERS)

    def timeline(self, customer: StoredCustomer, period: Period, limit: int, offset: int) -> Body:
        """Orders and refunds of the period, newest first, one page of them, with the customer's name and e-mail.

        Raises:
            CustomerNotFound: the store knows no such customer by then.
        """
        customer.facts(period)
        values = customer.of_period(period)
        (counts,) = self._counts.run(**values).to_pylist()
        transactions = self._transactions.run(**values, offset=offset, until=offset + limit).to_pylist()
        named = self._named.run(user_id=customer.customer_id).to_pylist()
        products = _products(self._lines.run(**values)) if transactions else {}
        return {
            "customer": named[0] if named else {"name": None, "email": None},
            "timeline": [_transaction(transaction, products) for transaction in transactions],
            "total": counts["transactions"],
            "page": {"limit": limit, "offset": offset},
        }

    def outlook(self, customer: StoredCustomer) -> Body:
        """The curve F(t), P(alive) at earlier days, and the expected revenue.

        P(alive) at an earlier day is the same model applied to what was known then. Everything is null for a customer
        without an order, or where no model predicts.

        Raises:
            CustomerNotFound: the store knows no such customer by then.
        """
        customer.facts(Period.ALL_TIME)
        nothing: Body = {"curve": None, "alive": None, "forecast": None}
        if self._predictor is None:
            return nothing
        predictor = self._predictor(customer.when)
        features = customer.features(predictor.covariates)
        if features.num_rows == 0:
            return nothing
        horizon = predictor.horizon_days
        days = np.unique(np.linspace(0, horizon, CURVE_POINTS).round()).astype(int).tolist()
        try:
            curve = predictor.curve(features, [max(day, 1e-9) for day in days])[0]
        except NotEnoughData:
            return nothing
        return {
            "curve": [
                {"day": day, "probability": round(float(p), 6) if day else 0.0}
                for day, p in zip(days, curve, strict=True)
            ],
            "alive": self._alive(customer, predictor),
            "forecast": _forecast(features, predictor),
        }

    def _alive(self, customer: StoredCustomer, predictor: Predictor) -> list[dict[str, object]]:
        (counts,) = self._counts.run(**customer.of_period(Period.ALL_TIME)).to_pylist()
        moments = [self._store.as_of(day) for day in _month_ends(counts["first_purchase"], customer.when.day)]
        rows = [customer.features(predictor.covariates, moment) for moment in moments[:-1]]
        rows.append(customer.features(predictor.covariates))
        alive = predictor.curve(pa.concat_tables(rows), [float("inf"), predictor.churn_days])
        return [
            {
                "as_of": moment.day.isoformat(),
                "probability_alive": round(float(p), 6),
                "churn_risk_score": round(1 - float(soon), 6),
            }
            for moment, (p, soon) in zip(moments, alive, strict=True)
        ]


def _forecast(features: pa.Table, predictor: Predictor) -> list[dict[str, object]]:
    """Cumulative gross revenue to be expected from today on, with the ends of its 80 % interval.

    All days share the shape of the whole horizon, so that the band widens smoothly.
    """
    days = np.linspace(0, predictor.horizon_days, FORECAST_POINTS + 1)[1:].round().astype(int).tolist()
    path = [predictor.predict(features, day) for day in days]
    shape = Predictive.of(path[-1]).shape
    steps: list[dict[str, object]] = [
        {"day": 0, "expected_revenue_cents": 0, "revenue_low_cents": 0, "revenue_high_cents": 0}
    ]
    for day, table in zip(days, path, strict=True):
        chance = np.clip(column(table, "purchase_probability"), 1e-9, 1.0)
        expected = column(table, "expected_revenue_cents")
        revenue = Predictive(chance, expected / chance, shape)
        low, high = (round(float(revenue.quantile(end)[0])) for end in (LOW, HIGH))
        steps.append(
            {
                "day": day,
                "expected_revenue_cents": round(float(expected[0])),
                "revenue_low_cents": low,
                "revenue_high_cents": high,
            }
        )
    return steps


def _transactions(known: Canonical, first_day: ir.DateScalar) -> ir.Table:
    """Orders of every counted status, and refunds, of one customer."""
    orders, refunds = known.orders, known.counted_refunds()
    bought = orders.filter(orders.status.isin(COUNTED_STATUSES) & (orders.day >= first_day)).select(
        kind=ibis.literal("order"),
        id=orders.id,
        order_id=orders.id.cast("string"),
        day=orders.day,
        created_at=orders.created_at,
        amount_cents=orders.total_cents,
        status=orders.status.cast("string"),
    )
    given = refunds.filter(refunds.day >= first_day).select(
        kind=ibis.literal("refund"),
        id=refunds.id,
        order_id=refunds.order_id,
        day=refunds.day,
        created_at=refunds.created_at,
        amount_cents=refunds.amount_cents,
        status=ibis.literal("refund"),
    )
    wanted = {name: dtype.copy(nullable=True) for name, dtype in bought.schema().items()}
    return bought.cast(wanted).union(given.cast(wanted))


def _page(transactions: ir.Table, offset: ir.IntegerScalar, until: Any) -> ir.Table:
    newest = ibis.window(order_by=[transactions.created_at.desc(), transactions.kind.asc(), transactions.id.asc()])
    placed = transactions.mutate(place=ibis.row_number().over(newest))
    return placed.filter((placed.place >= offset) & (placed.place < until)).order_by("place").drop("place")


def _lines(known: Canonical, first_day: ir.DateScalar) -> ir.Table:
    """The products of each order, those that cost most first."""
    orders, items = known.counted_orders(), known.order_items
    inside = orders.filter(orders.day >= first_day)
    same = [inside.id == items.order_id]
    if "user_id" in items.columns:  # where lines lie by customer
        same.append(inside.user_id == items.user_id)
    lines = inside.inner_join(items, same).select(
        order_id=inside.id, name=items.product_name.coalesce(items.product_id), amount_cents=items.amount_cents
    )
    best = ibis.window(group_by=lines.order_id, order_by=[lines.amount_cents.desc(), lines.name.asc()])
    counted = lines.mutate(
        place=ibis.row_number().over(best), lines=lines.count().over(ibis.window(group_by=lines.order_id))
    )
    return counted.filter(counted.place < PRODUCTS_SHOWN).select("order_id", "name", "lines", "place")


def _products(lines: pa.Table) -> dict[str, tuple[list[str], int]]:
    found: dict[str, tuple[list[str], int]] = {}
    for line in sorted(lines.to_pylist(), key=lambda row: row["place"]):
        found.setdefault(line["order_id"], ([], line["lines"]))[0].append(line["name"])
    return found


def _transaction(transaction: Mapping[str, Any], products: Mapping[str, tuple[list[str], int]]) -> dict[str, object]:
    names, lines = products.get(transaction["order_id"], ([], 0)) if transaction["kind"] == "order" else ([], 0)
    return {
        "kind": transaction["kind"],
        "id": transaction["id"],
        "order_id": transaction["order_id"],
        "day": transaction["day"].isoformat(),
        "amount_cents": transaction["amount_cents"],
        "status": transaction["status"],
        "products": names,
        "lines": lines,
    }


def _month_ends(first: dt.date, last: dt.date) -> list[dt.date]:
    """Ends of months from the first purchase on, thinned where there are many, and the as-of day."""
    ends = [start - dt.timedelta(days=1) for start in month_starts(first, last) if start > first]
    step = -(-len(ends) // ALIVE_POINTS) if ends else 1
    return [first, *(end for end in ends[::-1][::step][::-1] if first < end < last), *([last] if last > first else [])]
