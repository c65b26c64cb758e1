"""The currencies of a file's lines: how many minor units each has, and its value in the store's by day."""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb

from customer_revenue.currencies import UNUSUAL_DIGITS, USUAL_DIGITS, minor_digits, minor_units
from customer_revenue.errors import CurrencyMismatch, InvalidParameter
from customer_revenue.orders.duckdb_sql import scalar
from customer_revenue.orders.files.columns.conventions import Conventions
from customer_revenue.orders.files.columns.numbers import SHARED_SIGNS
from customer_revenue.orders.files.formats.format import Format
from customer_revenue.orders.files.reading import Rows
from customer_revenue.tables import DEFAULT_CURRENCY

_STRIPE_COINS = {"ISK": "0.01", "UGX": "0.01", "MGA": "100"}
"""Currencies whose smallest coin in Stripe's API is not the minor unit, in minor units (docs.stripe.com/currencies)."""

_RATE = "DECIMAL(19, 12)"
_MOST = Decimal(10) ** 7

LOCAL_DAY = "CAST({} AT TIME ZONE 'UTC' AT TIME ZONE current_setting('TimeZone') AS DATE)"
"""SQL for the day in the reporting zone of a time in UTC."""


def with_minor_units(
    con: duckdb.DuckDBPyConnection, conventions: Conventions, rows: Rows, file_format: Format, currency: str
) -> Conventions:
    """Add how many minor units the lines' currencies have to the conventions of a file.

    Args:
        con: the connection.
        conventions: how the file's columns are read.
        rows: its rows.
        file_format: its format.
        currency: the store's currency, that of lines without one.
    """
    if "currency" not in rows.types:
        coins = _STRIPE_COINS.get(currency, "1") if file_format.has_minor_units else "1"
        return replace(conventions, minor_units=str(minor_units(currency)), coins=coins)
    found = con.execute(f"SELECT DISTINCT {_code('currency')} FROM {rows.table}").fetchall()
    codes = {code for (code,) in found if code}
    code = _code(file_format.line_currency)
    cases = [f"WHEN {code} = '{c}' THEN {10**d}" for c, d in UNUSUAL_DIGITS.items() if c in codes]
    units = str(minor_units(currency))
    if cases or currency in UNUSUAL_DIGITS:
        stated = " ".join([*cases, f"WHEN {code} <> '' THEN {10**USUAL_DIGITS}"])
        units = f"CASE {stated} ELSE {units} END"
    stripe = [f"WHEN {code} = '{c}' THEN {coins}" for c, coins in _STRIPE_COINS.items() if c in codes]
    coins = f"CASE {' '.join(stripe)} ELSE 1 END" if stripe and file_format.has_minor_units else "1"
    return replace(conventions, minor_units=units, coins=coins)


def _code(column: str) -> str:
    return f"upper(trim({column}))"


def currency_of_file(
    con: duckdb.DuckDBPyConnection, path: Path, rows: Rows, file_format: Format, conventions: Conventions, chosen: str
) -> str:
    """Return the currency of a file's lines that state none.

    Args:
        con: the connection.
        path: of the file, for messages.
        rows: its rows.
        file_format: its format.
        conventions: how its columns are read, and the sign of its amounts.
        chosen: the store's currency, empty while nothing has decided it.

    Raises:
        CurrencyMismatch: the file is in another currency, or in several, or its sign does not say in which.
    """
    states_currency = "currency" in rows.types
    sign, known = "" if states_currency else conventions.currency, chosen or file_format.currency
    for own in (file_format.currency, sign):
        if own and known and own != known and known not in SHARED_SIGNS.get(own, ()):
            raise CurrencyMismatch(f"{path} is in {own}, the store in {known}: import it into a store of its own")
    if known or (sign and sign not in SHARED_SIGNS):
        return known or sign
    if not states_currency:
        if sign and DEFAULT_CURRENCY not in SHARED_SIGNS[sign]:
            raise CurrencyMismatch(
                f"{path} has amounts in {sign}, the sign of"
                f" {', '.join(sorted(SHARED_SIGNS[sign]))}: choose one with CUSTOMER_REVENUE_CURRENCY"
            )
        return DEFAULT_CURRENCY
    found = con.execute(
        f"SELECT upper(trim(currency)) AS code, count(*) FROM {rows.table} WHERE nullif(trim(currency), '')"
        " IS NOT NULL GROUP BY code ORDER BY count(*) DESC, code"
    ).fetchall()
    if len(found) > 1:
        counts = ", ".join(f"{code} ({lines} lines)" for code, lines in found[:8])
        raise CurrencyMismatch(f"{path} has several currencies, {counts}: choose one with CUSTOMER_REVENUE_CURRENCY")
    return str(found[0][0]) if found else DEFAULT_CURRENCY


def stage_rates(con: duckdb.DuckDBPyConnection, currency: str, rates: Mapping[str, Decimal]) -> None:
    """Create the temporary table ``rates``: what a minor unit of each currency is worth in minor units of the store's.

    A currency has one rate for every day, with a null ``day``, or one for each day of ``rates_by_day``.

    Raises:
        InvalidParameter: a rate is too large, or a currency has both.
    """
    con.execute(f"CREATE OR REPLACE TEMP TABLE rates (code VARCHAR, day DATE, rate {_RATE})")
    con.execute("INSERT INTO rates VALUES (?, NULL, 1)", [currency])
    for code, rate in rates.items():
        if scalar(con, "SELECT count(*) FROM rates_by_day WHERE code = ?", [code.upper()]):
            raise InvalidParameter(f"{code.upper()} has a rate in [rates] of the mapping and rates by day: keep one")
        value = rate.scaleb(minor_digits(currency) - minor_digits(code))
        if value >= _MOST:
            raise InvalidParameter(f"the rate {rate} of {code} is too large")
        con.execute("INSERT INTO rates VALUES (?, NULL, ?)", [code.upper(), value])
    for (code,) in con.execute("SELECT DISTINCT code FROM rates_by_day WHERE code <> ?", [currency]).fetchall():
        factor = Decimal(1).scaleb(minor_digits(currency) - minor_digits(code))
        if scalar(con, "SELECT count(*) FROM rates_by_day WHERE code = ? AND rate * ? >= ?", [code, factor, _MOST]):
            raise InvalidParameter(f"a rate of {code} is too large")
        con.execute(
            f"INSERT INTO rates SELECT code, day, CAST(rate * $factor AS {_RATE}) FROM rates_by_day WHERE code = $code",
            {"code": code, "factor": factor},
        )


def rated(con: duckdb.DuckDBPyConnection, lines: str) -> str:
    """Return SQL that adds to lines the ``rate`` of their day, and ``refund_rate``, that of the day of their refund."""
    if not scalar(con, "SELECT count(day) FROM rates"):
        return f"SELECT l.*, rate, rate AS refund_rate FROM {lines} AS l LEFT JOIN rates ON code = upper(currency)"

    def of_day(name: str, moment: str) -> str:
        day = f"{name}.day IS NULL OR {name}.day = {LOCAL_DAY.format(moment)}"
        return f"LEFT JOIN rates AS {name} ON {name}.code = upper(currency) AND ({day})"

    return (
        f"SELECT l.*, bought.rate AS rate, gone.rate AS refund_rate FROM {lines} AS l"
        f" {of_day('bought', 'created_at')} {of_day('gone', 'coalesce(refunded_at, created_at)')}"
    )


def check_days_have_rates(con: duckdb.DuckDBPyConnection, lines: str) -> None:
    """Check that no line lacks a rate on its day in a currency that has rates by day.

    Raises:
        CurrencyMismatch: one does; the message names the currency, the first such day, and the last day with a rate.
    """
    days = " UNION ALL ".join(
        f"SELECT upper(currency) AS code, {LOCAL_DAY.format(moment)} AS day FROM {lines}"
        f" WHERE reason = 'other_currency'{condition}"
        for moment, condition in (
            ("created_at", ""),
            ("coalesce(refunded_at, created_at)", " AND refund_cents IS NOT NULL"),
        )
    )
    missing = con.execute(
        f"""
        SELECT code, min(day), count(DISTINCT day) FROM ({days}) ANTI JOIN rates_by_day USING (code, day)
        WHERE code IN (SELECT code FROM rates_by_day) GROUP BY code ORDER BY code LIMIT 1
        """
    ).fetchone()
    if not missing:
        return
    code, first, count = missing
    (last,) = con.execute("SELECT max(day) FROM rates_by_day WHERE code = ? AND day < ?", [code, first]).fetchall()[0]
    before = f"the last day before it with a rate is {last}" if last else "no day before it has a rate"
    raise CurrencyMismatch(
        f"there is no rate of {code} for {first}, the first of {count:,} such days with orders or refunds; {before}:"
        " add the days to the file of rates"
    )
