"""The mapping: a TOML file that maps a shop's own statuses, columns and tables to ours.

    [statuses]                  # theirs = "paid", "refunded" or "ignored"
    completed = "paid"

    [columns]                   # of files: ours = "theirs"
    order_id = "Order number"

    rates_file = "rates.csv"    # of files: day,currency,rate; at the top, next to this file

    [rates]                     # or one value of a unit of another currency in the store's, for every day
    EUR = "1.08"

    [tables.orders]             # of a database: the table, then ours = "theirs"
    table = "shop.purchases"
    id = "number"
    user_id = "buyer"
    total = "amount"            # in units; or total_cents
    status = "state"
    created_at = "bought_at"
    currency = "code"           # optional: orders in another currency than the store's are left out

Of the tables, only ``tables.orders`` is required. The others are ``users``, ``order_items`` and ``refunds``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from customer_revenue import lazy_ibis as ibis
from customer_revenue.currencies import minor_units
from customer_revenue.errors import InvalidParameter
from customer_revenue.orders.expressions import STORE_TABLES, local_day, utc_of
from customer_revenue.orders.shop_checks import (
    REMEDIES,
    ShopFinding,
    judged_orders,
    judged_refunds,
    reason_counts,
    shop_findings,
    without_doubled,
)
from customer_revenue.tables import (
    CANONICAL,
    COUNTED_STATUSES,
    IGNORED_STATUSES,
    NO,
    OPTIONAL_COLUMNS,
    YES,
    Canonical,
)

if TYPE_CHECKING:
    import ibis.expr.datatypes as dtypes
    import ibis.expr.types as ir

_IN_UNITS = {"total_cents": "total", "amount_cents": "amount", "discount_cents": "discount", "cost_cents": "cost"}
"""Columns in cents, and the names under which a shop can map them in units of its currency instead."""

_LIKENESS = 0.7
"""How alike a mistyped name and the suggested one are at least, of 1."""

_BESIDES = {"orders": {"currency": "string"}}
"""Columns that a shop can map and that no table of ours has: they only decide what is left out."""

_OPTIONAL = {
    "users": ("name", "email"),
    "order_items": ("product_name", "quantity"),
    "refunds": ("order_id",),
}


class ShopMapping(BaseModel):
    """The contents of a mapping file."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    statuses: dict[str, Literal["paid", "refunded", "ignored"]] = {}
    columns: dict[str, str] = {}
    rates: dict[str, Annotated[Decimal, Field(gt=0)]] = {}
    rates_file: Path | None = None
    tables: dict[Literal["orders", "users", "order_items", "refunds"], dict[str, str]] = {}

    @model_validator(mode="after")
    def _check(self) -> ShopMapping:
        if self.tables and "orders" not in self.tables:
            raise ValueError("tables.orders is missing")
        for name, columns in self.tables.items():
            for column in ("table", *CANONICAL[name]):
                if column not in _OPTIONAL.get(name, ()) and not {column, _IN_UNITS.get(column)} & columns.keys():
                    raise ValueError(f"tables.{name} lacks {column}")
        return self

    @property
    def status_words(self) -> dict[str, str]:
        """Each mapped status, in lower case, and the status that it is stored as. An ignored one keeps its name."""
        return {
            word.strip().lower(): word.strip().lower() if meaning == "ignored" else meaning
            for word, meaning in self.statuses.items()
        }


@dataclass(frozen=True)
class MappedShop:
    """A shop's own tables: as canonical tables, and with the ``reason`` why a row is left out."""

    tables: Canonical
    orders: ir.Table
    refunds: ir.Table
    complete: Mapping[str, ir.Table]
    """The tables of a store, in full if the optional columns were asked for."""


def load_mapping(path: Path | None) -> ShopMapping:
    """Read a mapping file. Without a path, return an empty mapping.

    Raises:
        InvalidParameter: the file cannot be read, or breaks a rule, which the message names.
    """
    if path is None:
        return ShopMapping()
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        _check_names(raw, path)
        mapping = ShopMapping.model_validate(raw)
        if mapping.rates_file:
            mapping = mapping.model_copy(update={"rates_file": path.parent / mapping.rates_file})
        return mapping
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidParameter(f"cannot read the mapping {path}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise InvalidParameter(f"mapping {path}: {where + ': ' if where else ''}{message}") from None


def _check_names(raw: Mapping[str, Any], path: Path) -> None:
    """Check the names of a mapping's tables and keys.

    Raises:
        InvalidParameter: one is unknown; the message suggests what may have been meant.
    """
    _check_known(raw, ShopMapping.model_fields, path, "a mapping")
    tables = raw.get("tables", {})
    if isinstance(tables, dict):
        _check_known(tables, CANONICAL, path, "tables")
        for name, columns in tables.items():
            if isinstance(columns, dict):
                _check_known(columns, _mappable(name), path, f"tables.{name}")


def _check_known(names: Iterable[str], known: Collection[str], path: Path, where: str) -> None:
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 1, _LIKENESS)
            hint = f": did you mean {near[0]}?" if near else f"; it has {', '.join(sorted(known))}"
            raise InvalidParameter(f"mapping {path}: {where} has no {name[:40]}{hint}")


def _mappable(table: str) -> list[str]:
    """Return what a mapping can name of a table of a shop's own."""
    ours = [*CANONICAL[table], *OPTIONAL_COLUMNS.get(table, ())]
    return ["table", *ours, *(_IN_UNITS[c] for c in ours if c in _IN_UNITS), *_BESIDES.get(table, ())]


def mapped_tables(
    mapping: ShopMapping,
    zone: str,
    types: Mapping[str, Mapping[str, dtypes.DataType]],
    exact: Callable[[ir.StringValue], ir.StringValue],
    currency: str,
    *,
    has_doubled: bool,
    catalog: str | None = None,
    optional: bool = False,
) -> MappedShop:
    """Express the canonical tables over a shop's own tables.

    Args:
        mapping: a mapping with tables.
        zone: IANA name of the reporting zone, which also applies to times without a zone.
        types: the Ibis type of each column of each mapped table, by our name for the table.
        exact: makes a shop's own string compare character by character.
        currency: the store's currency.
        has_doubled: whether ids of orders may occur more than once.
        catalog: name of the attached database, on engines that have them.
        optional: whether ``complete`` gets the optional columns; figures and models need none.

    Raises:
        InvalidParameter: a table or column is not in the database.
    """
    found = {
        name: _table(name, columns, zone, types[name], exact, catalog, currency, optional=optional)
        for name, columns in mapping.tables.items()
    }
    judged = judged_orders(found["orders"], mapping.status_words, _KNOWN_STATUSES, currency)
    if has_doubled:
        judged = without_doubled(judged)
    orders = judged.select(*_wanted("orders", optional=optional))
    users = found.get("users")
    if users is None:
        customers = orders.filter(orders.user_id.notnull()).select("user_id").distinct()
        nothing = {
            column: ibis.null(ibis.dtype(dtype).copy(nullable=True))
            for column, dtype in _wanted("users", optional=optional).items()
        }
        users = customers.select(**{**nothing, "id": customers.user_id})
    returned = judged_refunds(found["refunds"]) if "refunds" in found else None
    if returned is None:
        refunds = _empty_table(orders, "refunds")
        returned = refunds.mutate(reason=ibis.null("string"))
    else:
        refunds = returned.filter(returned.reason.isnull()).drop("reason")
    items = found.get("order_items", _empty_table(orders, "order_items", optional=optional))
    canonical = Canonical.of(
        orders=orders.mutate(day=local_day(orders.created_at, zone)),
        users=users,
        order_items=items,
        refunds=refunds.mutate(day=local_day(refunds.created_at, zone)),
    )
    complete = {"orders": orders, "users": users, "order_items": items, "refunds": refunds}
    return MappedShop(canonical, judged, returned, complete)


def describe_shop(
    shop: MappedShop, one_row: Callable[[ir.Table], dict[str, Any]]
) -> tuple[dict[str, Any], tuple[ShopFinding, ...]]:
    """Count and check a shop's own tables, with one pass over each.

    Args:
        shop: the tables.
        one_row: runs an aggregate.

    Returns:
        The columns of the store info that depend on the rows, and what was found.
    """
    orders, refunds = shop.orders, shop.refunds
    counted = orders.status.isin(COUNTED_STATUSES)
    row = one_row(
        orders.aggregate(
            first=orders.created_at.min(),
            last=orders.created_at.max(),
            last_counted=counted.ifelse(orders.created_at, ibis.null(orders.created_at.type())).max(),
            orders=orders.count(),
            customers=orders.user_id.nunique(),
            cents=orders.total_cents.sum(),
            **reason_counts(orders, [name for name in REMEDIES if not name.endswith("_refund")]),
        )
    )
    back = one_row(
        refunds.aggregate(
            refunds=refunds.count(), **reason_counts(refunds, [name for name in REMEDIES if name.endswith("_refund")])
        )
    )
    subtracted = shop.tables.counted_refunds()
    last_refund = one_row(subtracted.aggregate(last=subtracted.created_at.max()))["last"]
    last = max((moment for moment in (row["last_counted"], last_refund) if moment is not None), default=row["last"])
    info = {
        "first_created_at": row["first"],
        "last_created_at": last,
        "orders": row["orders"],
        "customers": row["customers"],
        "refunds": back["refunds"],
        "fingerprint": f"{row['orders']}-{row['cents']}-{row['last']}-{back['refunds']}",
    }
    return info, shop_findings({**row, **back})


_KNOWN_STATUSES = (*COUNTED_STATUSES, *IGNORED_STATUSES)


def _table(
    name: str,
    columns: Mapping[str, str],
    zone: str,
    types: Mapping[str, dtypes.DataType],
    exact: Callable[[ir.StringValue], ir.StringValue],
    own_catalog: str | None,
    currency: str,
    *,
    optional: bool,
) -> ir.Table:
    database, _, table_name = columns["table"].rpartition(".")
    catalog, _, schema = database.rpartition(".")
    if not types:
        raise InvalidParameter(f"the database has no table {columns['table']} (mapped as {name})")
    theirs = {column for ours, column in columns.items() if ours != "table"}
    if missing := theirs - types.keys():
        raise InvalidParameter(f"{columns['table']} has no column {', '.join(sorted(missing))} (mapped in {name})")
    table = ibis.table(
        {c: types[c] for c in sorted(theirs)},
        name=table_name,
        catalog=catalog or own_catalog,
        database=schema or (own_catalog and "main"),
    )
    wanted = {
        **_wanted(name, optional=optional),
        **{c: ibis.dtype(t) for c, t in _BESIDES.get(name, {}).items() if c in columns},
    }
    found = {ours: _column(table, ours, dtype, columns, zone, minor_units(currency)) for ours, dtype in wanted.items()}
    own_texts = {ours for ours, column in columns.items() if column in types and types[column].is_string()}
    return table.select(**{ours: exact(value) if ours in own_texts else value for ours, value in found.items()})


def _column(
    table: ir.Table, ours: str, dtype: dtypes.DataType, columns: Mapping[str, str], zone: str, minor: int
) -> ir.Value:
    if ours in columns:
        theirs = table[columns[ours]]
        if dtype.is_timestamp():
            return utc_of(theirs, zone)
        if dtype.is_boolean():
            return _truth(theirs)
        return theirs if theirs.type().copy(nullable=True) == dtype.copy(nullable=True) else theirs.cast(dtype)
    if (units := _IN_UNITS.get(ours, "")) in columns:
        return (table[columns[units]].cast("decimal(38, 8)") * minor).round().cast("int64")
    return ibis.null(dtype)


def _wanted(name: str, *, optional: bool) -> dict[str, dtypes.DataType]:
    columns = {**CANONICAL[name], **(OPTIONAL_COLUMNS.get(name, {}) if optional else {})}
    return {column: ibis.dtype(dtype) for column, dtype in columns.items()}


def _truth(theirs: ir.Value) -> ir.Value:
    """Read yes or no: of a text in the words that files may use too, of a number whether it is not zero."""
    if theirs.type().is_string():
        word = theirs.strip().lower()
        return ibis.cases((word.isin(YES), True), (word.isin(NO), False), else_=ibis.null("boolean"))
    return theirs if theirs.type().is_boolean() else theirs != 0


def _empty_table(orders: ir.Table, name: str, *, optional: bool = False) -> ir.Table:
    """Return a table without rows, derived from a table that exists, since an engine must be able to query it."""
    columns_of = {**STORE_TABLES[name], **(OPTIONAL_COLUMNS.get(name, {}) if optional else {})}
    columns = {column: ibis.null(ibis.dtype(dtype).copy(nullable=True)) for column, dtype in columns_of.items()}
    return orders.filter(ibis.literal(False)).select(**columns)  # noqa: FBT003
