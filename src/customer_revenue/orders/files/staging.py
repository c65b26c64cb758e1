"""Stage one file: check its lines, and turn the valid ones into orders, items, refunds and users."""

# ruff: noqa: S608  # SQL is built from this package's own names; values and file names are bound
from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import duckdb

from customer_revenue.errors import CurrencyMismatch, NothingImported, UnreadableFile
from customer_revenue.orders.duckdb_sql import first_line, one_row, scalar
from customer_revenue.orders.files.formats.format import LINE_COLUMNS, Format
from customer_revenue.orders.files.formats.known import recognise
from customer_revenue.orders.files.parsing import parse_failure, parsed_columns
from customer_revenue.orders.files.quarantine import (
    counts_by_reason,
    drop_forgotten,
    mark_duplicates,
    quarantine_reason,
    stage_quarantine,
)
from customer_revenue.orders.files.reading import LINE, SCAN, as_utf8, inspect_file, open_scan, rejected_lines
from customer_revenue.orders.files.refunds import mark_invalid_refunds

DEFAULT_CURRENCY = "USD"
_AMOUNTS = ("total_cents", "amount_cents", "refund_cents")
_MAX_SHOWN_REASONS = 4


@dataclass(frozen=True)
class ImportRules:
    """What the lines of every file of an import are checked against."""

    statuses: Mapping[str, str]
    """Each known status, in lower case, and the status that it is stored as."""
    currency: str
    """The store's currency, empty until a setting or a file decides it."""
    now: dt.datetime
    """The current time in UTC, without a zone."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """The files' own names for some of our columns."""
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    """The value of one unit of another currency in the store's."""
    has_forgotten: bool = False
    """Whether customers of the store were forgotten."""


@dataclass(frozen=True)
class StagedFile:
    """A file in a schema with the tables of a store, as ``merge`` describes them."""

    schema: str
    path: Path
    format: Format
    currency: str
    lines: int
    """Rows read, without the header."""
    quarantined: Mapping[str, int] = field(default_factory=dict)


def stage(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    format_name: str | None,
    rules: ImportRules,
    schema: str,
    *,
    known: Sequence[str],
    folder: Path,
) -> StagedFile:
    """Read a file into the tables of a new schema.

    Args:
        con: a connection whose session time zone is the reporting zone.
        path: the file.
        format_name: name of the file's format; by default it is recognized by the header.
        rules: what the lines are checked against.
        schema: name of the schema to create, a constant of this package.
        known: schemas with the orders and refunds that exist already, the newest first.
        folder: folder for a copy of the file in UTF-8.

    Raises:
        UnreadableFile: the file cannot be read.
        UnknownFormat: no format matches its columns.
        CurrencyMismatch: it has several currencies and none is chosen, or its currency is not the store's.
        NothingImported: every row was quarantined.
    """
    file = inspect_file(path)
    file_format, names = recognise(path, file.header, format_name, rules.renamed)
    file = as_utf8(file, folder)
    types = open_scan(con, file, names)
    con.execute(f"CREATE SCHEMA {schema}")
    try:
        currency = _currency(con, path, file_format, types, rules.currency)
        _stage_lines(con, file_format, types, rules, currency, schema)
        rejected = rejected_lines(con)
    except (duckdb.IOException, duckdb.OutOfMemoryException):
        raise  # the disk or the memory failed, not the file
    except duckdb.Error as error:
        raise UnreadableFile(f"{path} cannot be read: {first_line(error)}") from None
    if rules.has_forgotten:
        drop_forgotten(con, schema)
    mark_duplicates(con, file_format, schema)
    mark_invalid_refunds(con, file_format, schema, known)
    lines, bad = _counts(con, schema)
    if lines + rejected == 0:
        raise UnreadableFile(f"{path} has a header but no rows")
    stage_quarantine(con, file, names, schema, source=path.name, rescan=bad > 0, has_forgotten=rules.has_forgotten)
    quarantined = counts_by_reason(con, schema)
    if bad == lines:
        raise _nothing_imported(path, quarantined)
    _stage_orders(con, file_format, schema)
    _stage_items(con, schema)
    _stage_refunds(con, file_format, schema, restated=file_format.refund_column in types)
    _stage_users(con, schema, named_users=any(column in types for column in file_format.personal_columns))
    return StagedFile(schema, path, file_format, currency, lines + rejected, quarantined)


def _currency(
    con: duckdb.DuckDBPyConnection, path: Path, file_format: Format, types: Mapping[str, str], chosen: str
) -> str:
    """Return the currency of the file's lines, unless they state one."""
    if file_format.currency and chosen and file_format.currency != chosen:
        raise CurrencyMismatch(
            f"{path} is in {file_format.currency}, the store in {chosen}: import it into a store of its own"
        )
    if chosen or file_format.currency:
        return chosen or file_format.currency
    if "currency" not in types:
        return DEFAULT_CURRENCY
    found = con.execute(
        f"SELECT upper(trim(currency)) AS code, count(*) FROM {SCAN} WHERE nullif(trim(currency), '') IS NOT NULL"
        " GROUP BY code ORDER BY count(*) DESC, code"
    ).fetchall()
    if len(found) > 1:
        counts = ", ".join(f"{code} ({lines} lines)" for code, lines in found[:8])
        raise CurrencyMismatch(f"{path} has several currencies, {counts}: choose one with CUSTOMER_REVENUE_CURRENCY")
    return str(found[0][0]) if found else DEFAULT_CURRENCY


def _stage_lines(
    con: duckdb.DuckDBPyConnection,
    file_format: Format,
    types: Mapping[str, str],
    rules: ImportRules,
    currency: str,
    schema: str,
) -> None:
    con.execute("CREATE OR REPLACE TEMP TABLE statuses (word VARCHAR, meaning VARCHAR)")
    con.executemany("INSERT INTO statuses VALUES (?, ?)", list(rules.statuses.items()))
    con.execute("CREATE OR REPLACE TEMP TABLE rates (code VARCHAR, rate DECIMAL(18, 8))")
    con.executemany("INSERT INTO rates VALUES (?, ?)", [(currency, 1), *rules.rates.items()])
    projected = ", ".join(
        f"CAST({file_format.line.get(name, 'NULL')} AS {sql_type}) AS {name}" for name, sql_type in LINE_COLUMNS.items()
    )
    parsed = [*parsed_columns(file_format, types), f"{parse_failure(file_format, types)} AS unreadable"]
    con.execute(
        f"""
        CREATE TABLE {schema}.lines AS
        WITH parsed AS (
            SELECT {LINE}, {", ".join(parsed)} FROM {SCAN}
        ), projected AS (
            SELECT {LINE}, unreadable, {projected} FROM parsed
        )
        SELECT projected.* EXCLUDE (unreadable, status) REPLACE ({", ".join(map(_converted, _AMOUNTS))}),
            meaning AS status, {quarantine_reason(file_format)} AS reason
        FROM projected LEFT JOIN statuses ON word = lower(status) LEFT JOIN rates ON code = upper(currency)
        """,
        {"latest": rules.now + dt.timedelta(days=1)},
    )


def _converted(amount: str) -> str:
    """Return SQL for an amount in the store's currency."""
    whole = f"TRY_CAST(round(CAST({amount} AS DECIMAL(19, 0)) * rate) AS BIGINT)"
    return f"CASE WHEN rate <> 1 THEN {whole} ELSE {amount} END AS {amount}"


def _counts(con: duckdb.DuckDBPyConnection, schema: str) -> tuple[int, int]:
    lines, bad = one_row(con, f"SELECT count(*), count(reason) FROM {schema}.lines")
    return lines, bad


def _nothing_imported(path: Path, quarantined: Mapping[str, int]) -> NothingImported:
    reasons = ", ".join(f"{reason} {count}" for reason, count in list(quarantined.items())[:_MAX_SHOWN_REASONS])
    return NothingImported(f"{path}: none of its rows can be imported ({reasons})")


def _stage_orders(con: duckdb.DuckDBPyConnection, file_format: Format, schema: str) -> None:
    good = f"{schema}.lines WHERE reason IS NULL AND role = 'order'"
    if file_format.total_is_summed:
        query = f"""
            SELECT order_id AS id, any_value(user_id) AS user_id, CAST(sum(amount_cents) AS BIGINT) AS total_cents,
                any_value(status) AS status, min(created_at) AS created_at
            FROM {good} GROUP BY order_id
        """
    else:
        # All lines of an order state the same.
        query = f"SELECT DISTINCT order_id AS id, user_id, total_cents, status, created_at FROM {good}"
        if not scalar(con, f"SELECT count(*) - count(DISTINCT order_id) FROM {good}"):
            # Every line is an order, so a view is enough.
            con.execute(
                f"CREATE VIEW {schema}.orders AS"
                f" SELECT order_id AS id, user_id, total_cents, status, created_at FROM {good}"
            )
            return
    con.execute(f"CREATE TABLE {schema}.orders AS {query}")


def _stage_items(con: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Stage the items. One without an amount takes its order's total if it is the only item, and otherwise zero."""
    items = f"{schema}.lines WHERE reason IS NULL AND role = 'order' AND coalesce(product_id, product_name) IS NOT NULL"
    amount = "amount_cents"
    if scalar(con, f"SELECT count(*) FROM {items} AND amount_cents IS NULL"):
        alone = "count(*) OVER (PARTITION BY order_id) = 1"
        amount = f"coalesce(amount_cents, CASE WHEN {alone} THEN total_cents ELSE 0 END)"
    con.execute(
        f"""
        CREATE TABLE {schema}.order_items AS
        SELECT order_id, coalesce(product_id, product_name) AS product_id, product_name, quantity,
            {amount} AS amount_cents, user_id
        FROM {items}
        """
    )


def _stage_refunds(con: duckdb.DuckDBPyConnection, file_format: Format, schema: str, *, restated: bool) -> None:
    """Stage the refunds, and as ``restated`` the ids of the orders of which the file states all refunds."""
    con.execute(f"CREATE VIEW {schema}.restated AS SELECT id FROM {schema}.orders WHERE {restated}")
    amount = "CAST(sum(refund_cents) AS BIGINT)" if file_format.total_is_summed else "any_value(refund_cents)"
    con.execute(
        f"""
        CREATE TABLE {schema}.refunds AS
        SELECT refund_id AS id, any_value(order_id) AS order_id, any_value(user_id) AS user_id,
            {amount} AS amount_cents, min(coalesce(refunded_at, created_at)) AS created_at,
            bool_or(role = 'order') AS with_order
        FROM {schema}.lines WHERE reason IS NULL AND refund_id IS NOT NULL GROUP BY refund_id
        """
    )


def _stage_users(con: duckdb.DuckDBPyConnection, schema: str, *, named_users: bool) -> None:
    """Stage the customers, with the last name and e-mail that the file states for each."""
    known = (
        f"arg_max(user_name, {LINE}) AS name, arg_max(user_email, {LINE}) AS email"
        if named_users
        else "CAST(NULL AS VARCHAR) AS name, CAST(NULL AS VARCHAR) AS email"
    )
    con.execute(
        f"CREATE TABLE {schema}.users AS SELECT user_id AS id, {known} FROM {schema}.lines"
        " WHERE reason IS NULL AND user_id IS NOT NULL GROUP BY user_id"
    )
