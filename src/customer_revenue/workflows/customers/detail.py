"""What a customer's page shows beside the complete answer: his orders and refunds, his curve, and how it came about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, cast

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from customer_revenue.actions.forecast import HIGH, LOW
from customer_revenue.actions.predictive_revenue import Predictive
from customer_revenue.errors import CustomerNotFound, NotEnoughData
from customer_revenue.modeling.purchase_histories import column
from customer_revenue.orders.store import Store, parameter
from customer_revenue.periods import AsOf, Period, month_starts
from customer_revenue.tables import COUNTED_STATUSES, Canonical
from customer_revenue.workflows.customers.prediction_fields import predictor_as_of
from customer_revenue.workflows.customers.store_reader import CustomerQueries
from customer_revenue.workflows.registry.bundles import LoadedModel

CURVE_POINTS = 74
ALIVE_POINTS = 24
FORECAST_POINTS = 12
PRODUCTS_SHOWN = 3
PERIOD = ("user_id", "moment", "first_day")

Body = dict[str, object]


class CustomerPage:
    """Compiled queries about one customer at a time."""

    def __init__(self, store: Store, queries: CustomerQueries, model: LoadedModel | None) -> None:
        self._store, self._queries, self._model = store, queries, model
        moment = cast("ir.TimestampScalar", parameter("moment", "timestamp"))
        first_day = cast("ir.DateScalar", parameter("first_day", "date"))
        known = store.tables.until(moment).of_customer(cast("ir.StringScalar", parameter("user_id", "string")))
        moves = _transactions(known, first_day)
        self._named = store.prepare(known.users.select("name", "email").limit(1), ("user_id",))
        self._counts = store.prepare(
            moves.aggregate(
                moves=moves.count(),
                orders=(moves.kind == "order").ifelse(1, 0).sum().coalesce(0),
                first_purchase=(moves.kind == "order").ifelse(moves.day, ibis.null("date")).min(),
            ),
            PERIOD,
        )
        self._transactions = store.prepare(
            _page(moves, cast("ir.IntegerScalar", parameter("offset", "int64")), parameter("until", "int64")),
            (*PERIOD, "offset", "until"),
        )
        self._lines = store.prepare(_lines(known, first_day), PERIOD)

    def timeline(self, user_id: str, period: Period, when: AsOf, limit: int, offset: int) -> Body:
        """Orders and refunds of the period, newest first, one page of them, with the customer's name and e-mail.

        Raises:
            CustomerNotFound: the store knows no such customer by then.
        """
        if self._queries.facts(user_id, period, when) is None:
            raise CustomerNotFound(f"no customer {user_id[:100]!r} by {when.day}")
        values = {"user_id": user_id, "moment": when.moment_utc_naive, "first_day": period.first_day(when.day)}
        (counts,) = self._counts.run(**values).to_pylist()
        moves = self._transactions.run(**values, offset=offset, until=offset + limit).to_pylist()
        named = self._named.run(user_id=user_id).to_pylist()
        products = _products(self._lines.run(**values)) if moves else {}
        return {
            "customer": named[0] if named else {"name": None, "email": None},
            "timeline": [_move(move, products) for move in moves],
            "total": counts["moves"],
            "page": {"limit": limit, "offset": offset},
        }

    def outlook(self, user_id: str, when: AsOf) -> Body:
        """The curve F(t), P(alive) as it would have been told at earlier days, and the revenue to be expected.

        Earlier days are told by the model of today from what was known then. Everything is null for a customer
        without an order, or where there is no model that predicts.

        Raises:
            CustomerNotFound: the store knows no such customer by then.
        """
        if self._queries.facts(user_id, Period.ALL_TIME, when) is None:
            raise CustomerNotFound(f"no customer {user_id[:100]!r} by {when.day}")
        features = self._queries.features(user_id, when)
        if self._model is None or features.num_rows == 0:
            return {"curve": None, "alive": None, "forecast": None}
        predictor = predictor_as_of(self._model.predictor, when.day)
        horizon = predictor.horizon_days
        days = np.unique(np.linspace(0, horizon, CURVE_POINTS).round()).astype(int).tolist()
        try:
            curve = predictor.curve(features, [max(day, 1e-9) for day in days])[0]
        except NotEnoughData:
            return {"curve": None, "alive": None, "forecast": None}
        return {
            "curve": [
                {"day": day, "probability": round(float(p), 6) if day else 0.0}
                for day, p in zip(days, curve, strict=True)
            ],
            "alive": self._alive(user_id, when),
            "forecast": self._forecast(features, when),
        }

    def _alive(self, user_id: str, when: AsOf) -> list[dict[str, object]]:
        assert self._model is not None
        values = {"user_id": user_id, "moment": when.moment_utc_naive, "first_day": Period.ALL_TIME.first_day(when.day)}
        (counts,) = self._counts.run(**values).to_pylist()
        moments = [self._store.as_of(day) for day in _month_ends(counts["first_purchase"], when.day)]
        rows = [self._queries.features(user_id, moment) for moment in moments[:-1]]
        rows.append(self._queries.features(user_id, when))
        predictor = predictor_as_of(self._model.predictor, when.day)
        alive = predictor.curve(pa.concat_tables(rows), [float("inf"), 90.0])
        return [
            {
                "as_of": moment.day.isoformat(),
                "probability_alive": round(float(p), 6),
                "churn_risk_score": round(1 - float(soon), 6),
            }
            for moment, (p, soon) in zip(moments, alive, strict=True)
        ]

    def _forecast(self, features: pa.Table, when: AsOf) -> list[dict[str, object]]:
        """Cumulative gross revenue to be expected from today on, with the ends of its 80 % interval.

        All days share the shape of the whole horizon, so that the band widens smoothly.
        """
        assert self._model is not None
        predictor = predictor_as_of(self._model.predictor, when.day)
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
    orders, refunds = known.orders, known.refunds
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


def _page(moves: ir.Table, offset: ir.IntegerScalar, until: Any) -> ir.Table:
    newest = ibis.window(order_by=[moves.created_at.desc(), moves.kind.asc(), moves.id.asc()])
    placed = moves.mutate(place=ibis.row_number().over(newest))
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


def _move(move: Mapping[str, Any], products: Mapping[str, tuple[list[str], int]]) -> dict[str, object]:
    names, lines = products.get(move["order_id"], ([], 0)) if move["kind"] == "order" else ([], 0)
    return {
        "kind": move["kind"],
        "id": move["id"],
        "order_id": move["order_id"],
        "day": move["day"].isoformat(),
        "amount_cents": move["amount_cents"],
        "status": move["status"],
        "products": names,
        "lines": lines,
    }


def _month_ends(first: dt.date, last: dt.date) -> list[dt.date]:
    """Ends of months from the first purchase on, thinned where there are many, and the as-of day."""
    ends = [start - dt.timedelta(days=1) for start in month_starts(first, last) if start > first]
    step = -(-len(ends) // ALIVE_POINTS) if ends else 1
    return [first, *(end for end in ends[::-1][::step][::-1] if first < end < last), *([last] if last > first else [])]
