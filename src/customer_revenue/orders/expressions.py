"""The canonical tables as Ibis expressions, and the parameters of compiled queries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, cast

from customer_revenue import lazy_ibis as ibis
from customer_revenue.periods import Clock
from customer_revenue.tables import CANONICAL, OPTIONAL_COLUMNS, Canonical, Columns

if TYPE_CHECKING:
    import ibis.expr.types as ir

STORE_TABLES: Mapping[str, Columns] = {
    **CANONICAL,
    # Each item has its order's customer, so that one customer's items are stored together and found by a range.
    "order_items": {**CANONICAL["order_items"], "user_id": "string"},
}
"""The columns of the tables in the store, as far as figures and models read them."""

STORE_ONLY: Mapping[str, Columns] = {
    # The customer's id in the file, where an alias merges it into another; null where it is `user_id`.
    "orders": {"original_user_id": "string"},
    # Whether a refund came in a row of its order. When the order comes again without it, it is withdrawn.
    "refunds": {"with_order": "boolean", "original_user_id": "string"},
}
"""Further columns of the tables in the store, which only imports read, by the name of the table."""

COMPLETE_TABLES: Mapping[str, Columns] = {
    name: {**columns, **STORE_ONLY.get(name, {}), **OPTIONAL_COLUMNS.get(name, {})}
    for name, columns in STORE_TABLES.items()
}
"""The columns of the same tables with all their columns, in their order."""

QUARANTINE_COLUMNS: Columns = {
    "source": "string",
    "line": "int64",
    "reason": "string",
    "user_id": "string",
    "raw": "string",
    "order_id": "string",
    "refund_id": "string",
    "header": "string",
}
"""The columns of the quarantine: file name, line number, reason, customer id if there is one, the text of the line, the
ids of its order or, for a refund, of the refund, and the header of the file.

The text and the header are as in a file with the source's own delimiter.
"""

ALIAS_TABLES: Mapping[str, Columns] = {
    "aliases": {"from_id": "!string", "to_id": "!string"},
    "aliased_users": COMPLETE_TABLES["users"],
    "alias_changes": {"changed_at": "!timestamp", "action": "!string", "from_id": "!string", "to_id": "!string"},
}
"""The tables of a store that merge customers: the aliases as they were given, the own names and e-mails of their
customers, and what was added and removed when (UTC)."""

OWN_TABLES: Mapping[str, Columns] = {"quarantine": QUARANTINE_COLUMNS, **ALIAS_TABLES}
"""The tables of a store that a shop's own database has no counterpart of."""

PARAMETER_MARK = "\u2063parameter:"
"""Prefix of the string that stands for a parameter until compilation. It does not occur in data."""


def local_day(moment: ir.TimestampValue, zone: str) -> ir.DateValue:
    """Return the calendar day in ``zone`` of a timestamp in UTC that carries no zone."""
    if zone == "UTC":
        return moment.date()
    from customer_revenue.orders import zones

    return zones.to_local(zone, zones.to_moment("UTC", moment)).date()


def utc_of(moment: ir.Value, zone: str) -> ir.Value:
    """Convert a time of any type to a timestamp in UTC that carries no zone. A time without a zone is in ``zone``."""
    from customer_revenue.orders import zones

    kind = moment.type()
    if kind.is_timestamp() and kind.timezone is not None:
        return zones.to_local("UTC", moment)
    naive = moment if kind.is_timestamp() else moment.cast("timestamp")
    return naive if zone == "UTC" else zones.to_local("UTC", zones.to_moment(zone, naive))


def canonical_tables(zone: str, catalog: str | None = None, database: str | None = None) -> Canonical:
    """Return the store's tables, with the day of orders and refunds in the reporting zone.

    They belong to no connection: the store compiles expressions over them and runs the SQL itself.

    Args:
        zone: IANA name of the reporting zone.
        catalog: name of the attached database, on engines that have them.
        database: name of the schema; by default the connection's current one.
    """
    orders, users, items, refunds = (
        # With all columns of the table, so that no query of all of ours becomes one of all of the table's.
        ibis.table(COMPLETE_TABLES[name], name=name, catalog=catalog, database=database).select(*STORE_TABLES[name])
        for name in ("orders", "users", "order_items", "refunds")
    )
    return Canonical.of(
        orders=orders.mutate(day=local_day(orders.created_at, zone)),
        users=users,
        order_items=items,
        refunds=refunds.mutate(day=local_day(refunds.created_at, zone)),
    )


def complete_table(
    name: str, there: Collection[str], zone: str, catalog: str | None = None, database: str | None = None
) -> ir.Table:
    """Return a table of the store with its optional columns, null where a store of an older version lacks them.

    Args:
        name: ``orders``, ``users``, ``order_items`` or ``refunds``.
        there: the names of the columns that the table has.
        zone: IANA name of the reporting zone, of the column ``day`` of orders and refunds.
        catalog: as for :func:`canonical_tables`.
        database: as for :func:`canonical_tables`.
    """
    wanted = {**STORE_TABLES[name], **OPTIONAL_COLUMNS.get(name, {})}
    table = ibis.table(COMPLETE_TABLES[name], name=name, catalog=catalog, database=database)
    return with_day(
        table.select(**{c: table[c] if c in there else ibis.null(dtype) for c, dtype in wanted.items()}), zone
    )


def with_day(table: ir.Table, zone: str) -> ir.Table:
    """Add the calendar ``day`` in ``zone`` to a table that has times."""
    return table.mutate(day=local_day(table.created_at, zone)) if "created_at" in table.columns else table


def as_of_day(zone: str) -> ir.DateScalar:
    """Return the as-of day of the store, as an expression over its store info.

    It is the current date for a live store. For a historical store it is the day that the import chose, or the day of
    the last order.
    """
    info = ibis.table({"clock": "string", "as_of": "date", "last_created_at": "timestamp"}, name="store_info")
    last = info.as_of.coalesce(local_day(info.last_created_at, zone))
    day = info.select(day=(info.clock == Clock.LIVE.value).ifelse(ibis.today(), last)).day
    return cast("ir.DateScalar", day.as_scalar())


def parameter(name: str, dtype: str) -> ir.Scalar:
    """Create a parameter, whose value is bound when the query runs.

    Args:
        name: an identifier, unique in the query.
        dtype: Ibis type, such as ``"string"``, ``"date"`` or ``"timestamp"``.

    >>> parameter("day", "date").type()
    Date(nullable=True)
    """
    if not name.isidentifier():
        raise ValueError(f"the name of a parameter must be an identifier, not {name!r}")
    text = ibis.literal(PARAMETER_MARK + name)
    return text if dtype == "string" else text.cast(dtype)
