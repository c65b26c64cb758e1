"""The canonical tables as Ibis expressions, and the parameters that a compiled query takes."""

from __future__ import annotations

from typing import cast

import ibis
import ibis.expr.datatypes as dtypes
import ibis.expr.types as ir

from customer_revenue.periods import Clock
from customer_revenue.tables import CANONICAL, Canonical

STORE_TABLES = {
    **CANONICAL,
    # Each item carries the order's customer, so that one customer's items are stored together and found by a range.
    "order_items": ibis.schema({**CANONICAL["order_items"], "user_id": "!string"}),
}
"""The tables as the store keeps them."""

QUARANTINE_SCHEMA = ibis.schema(
    {"source": "string", "line": "int64", "reason": "string", "user_id": "string", "raw": "string"}
)
"""The quarantine table: name of the file, line in it, reason, customer id if there was one, the line's values."""

PARAMETER_MARK = "\u2063parameter:"
"""Starts the text that stands for a parameter until a query is compiled; no data and no person types it."""


@ibis.udf.scalar.builtin(name="timezone")  # type: ignore[untyped-decorator]
def _to_moment(zone: str, moment: dtypes.timestamp) -> dtypes.Timestamp(timezone="UTC"):  # type: ignore[valid-type]
    """DuckDB: what moment a local time in a zone is."""


@ibis.udf.scalar.builtin(name="timezone")  # type: ignore[untyped-decorator]
def _to_local(zone: str, moment: dtypes.Timestamp(timezone="UTC")) -> dtypes.timestamp:  # type: ignore[valid-type]
    """DuckDB: the local time in a zone of a moment."""


def local_day(moment: ir.TimestampValue, zone: str) -> ir.DateValue:
    """The calendar day in ``zone`` of a moment in UTC without a zone."""
    if zone == "UTC":
        return moment.date()
    return _to_local(zone, _to_moment("UTC", moment)).date()


def utc_of(moment: ir.Value, zone: str) -> ir.Value:
    """A time of any kind as UTC without a zone; one without a zone is in ``zone``."""
    kind = moment.type()
    if kind.is_timestamp() and kind.timezone is not None:
        return _to_local("UTC", moment)
    naive = moment if kind.is_timestamp() else moment.cast("timestamp")
    return naive if zone == "UTC" else _to_local("UTC", _to_moment(zone, naive))


def canonical_tables(zone: str, catalog: str | None = None, database: str | None = None) -> Canonical:
    """The store's tables, with the day of orders and refunds in the reporting zone.

    They are bound to no connection: the store compiles expressions over them and runs the SQL itself.

    Args:
        zone: IANA name of the reporting zone.
        catalog: name of the attached database, where the engine has such.
        database: schema in it; by default the connection's current one.
    """
    orders, users, items, refunds = (
        ibis.table(STORE_TABLES[name], name=name, catalog=catalog, database=database)
        for name in ("orders", "users", "order_items", "refunds")
    )
    return Canonical(
        orders=orders.mutate(day=local_day(orders.created_at, zone)),
        users=users,
        order_items=items,
        refunds=refunds.mutate(day=local_day(refunds.created_at, zone)),
    )


def as_of_day(zone: str) -> ir.DateScalar:
    """The day that a view of the store counts to, read off the store itself.

    The engine's current date for a live store; for a historical one the day that the import chose, or the last
    order's.
    """
    info = ibis.table({"clock": "string", "as_of": "date", "last_created_at": "timestamp"}, name="store_info")
    last = info.as_of.coalesce(local_day(info.last_created_at, zone))
    day = info.select(day=(info.clock == Clock.LIVE.value).ifelse(ibis.today(), last)).day
    return cast("ir.DateScalar", day.as_scalar())


def parameter(name: str, dtype: str) -> ir.Scalar:
    """A value that is given when the query runs.

    Args:
        name: an identifier, unique in its query.
        dtype: Ibis type, such as ``"string"``, ``"date"`` or ``"timestamp"``.

    >>> parameter("day", "date").type()
    Date(nullable=True)
    """
    if not name.isidentifier():
        raise ValueError(f"a parameter needs an identifier for a name, not {name!r}")
    text = ibis.literal(PARAMETER_MARK + name)
    return text if dtype == "string" else text.cast(dtype)
