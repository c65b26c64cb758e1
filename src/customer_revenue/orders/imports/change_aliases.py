"""Add and remove aliases, which merge a customer into another. A store is replaced whole, as by an import."""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from customer_revenue.errors import InvalidParameter, StoreNotFound, UnreadableFile
from customer_revenue.orders.aliases import own_users, resolve, write_resolved
from customer_revenue.orders.duckdb_sql import first_line, one_row, scalar
from customer_revenue.orders.engines.base_target import Target, Views
from customer_revenue.orders.engines.schemes import open_target
from customer_revenue.orders.engines.urls import without_password
from customer_revenue.orders.files.columns.ids import tidy_text
from customer_revenue.orders.files.formats.format import header_key
from customer_revenue.orders.files.reading import LINE, check_header, inspect_file, read_rows
from customer_revenue.orders.files.unpacking import unpack
from customer_revenue.orders.forgotten_customers import check_forget_key, is_forgotten
from customer_revenue.orders.store_info import rewrite_info

ADDED, REMOVED = "added", "removed"
"""What a change of an alias can be, in the table ``alias_changes``."""

_MAX_SHOWN = 10


@dataclass(frozen=True)
class AliasSummary:
    """What a change of aliases did. The numbers in the store describe it after the change."""

    added: int
    removed: int
    unchanged: int
    """Aliases of the file that the store had already."""
    unknown: tuple[str, ...]
    """Up to ten ids of the file that no order or refund of the store names. Later imports may."""
    unknown_ids: int
    orders: int
    """Orders that changed from one customer to another."""
    customers_in_store: int
    aliases_in_store: int


def merge_customers(path: Path, url: str, key: str = "", *, views: Views | None = None) -> AliasSummary:
    """Merge customers into others, for all orders of the store and of later imports.

    Args:
        path: a table with the columns ``from`` and ``to``: ids of customers. Others are ignored.
        url: the URL of the store.
        key: the secret with which customers were forgotten, required if any were.
        views: views to create in the store; without any, it keeps its views.

    Raises:
        InputError: the file cannot be read, or its aliases contradict each other or the store's.
        StoreError: the store cannot be read or written.
    """
    with _opened(url) as (target, con, old):
        _read_pairs(con, path, target.folder)
        _check_pairs(con, path)
        if check_forget_key(con, key):
            _refuse(
                con,
                f"SELECT line, id FROM (SELECT line, from_id AS id FROM pairs UNION SELECT line, to_id FROM pairs)"
                f" WHERE {is_forgotten('id')}",
                path,
                "{0!r} is a forgotten customer, who stays out of the store",
            )
        con.execute(
            "CREATE TEMP TABLE added AS SELECT DISTINCT from_id, to_id FROM pairs ANTI JOIN old.aliases USING (from_id)"
        )
        con.execute("CREATE TABLE next.aliases AS FROM old.aliases UNION ALL FROM added ORDER BY from_id")
        _check_no_circle(con, path)
        con.execute("CREATE TEMP TABLE removed AS FROM added LIMIT 0")
        return _publish(con, target, old, views or {})


def separate_customers(ids: Sequence[str], url: str, *, views: Views | None = None) -> AliasSummary:
    """End aliases: each of these customers has their own orders, refunds, name and e-mail again.

    Args:
        ids: the ids that were merged into others.
        url: the URL of the store.
        views: views to create in the store; without any, it keeps its views.

    Raises:
        InvalidParameter: an id is not merged into another.
        StoreError: the store cannot be read or written.
    """
    with _opened(url) as (target, con, old):
        con.execute("CREATE TEMP TABLE wanted AS SELECT DISTINCT unnest($ids) AS id", {"ids": list(ids)})
        lacking = con.execute("SELECT id FROM wanted WHERE id NOT IN (SELECT from_id FROM old.aliases)").fetchall()
        if lacking:
            raise InvalidParameter(
                f"{lacking[0][0][:100]!r} is not merged into another customer: 'aliases list' shows who is"
            )
        con.execute("CREATE TEMP TABLE removed AS FROM old.aliases WHERE from_id IN (FROM wanted)")
        con.execute("CREATE TABLE next.aliases AS FROM old.aliases ANTI JOIN removed USING (from_id) ORDER BY from_id")
        con.execute("CREATE TEMP TABLE added AS FROM removed LIMIT 0")
        con.execute("CREATE TEMP TABLE pairs AS SELECT 1 AS line, * FROM removed LIMIT 0")
        return _publish(con, target, old, views or {})


@contextmanager
def _opened(url: str) -> Iterator[tuple[Target, duckdb.DuckDBPyConnection, dict[str, object]]]:
    with open_target(url) as target, duckdb.connect() as con:
        target.attach(con)
        old = target.attach_old(con)
        if not old:
            raise StoreNotFound(f"no store at {without_password(url)}")
        yield target, con, old


def _read_pairs(con: duckdb.DuckDBPyConnection, path: Path, folder: Path) -> None:
    """Create the temporary table ``pairs`` with the aliases of a file, their ids as imports store them."""
    con.execute(f"CREATE TEMP TABLE pairs ({LINE} BIGINT, from_id VARCHAR, to_id VARCHAR)")
    con.execute("CREATE SCHEMA work.aliases")
    for place, plain in enumerate(unpack(path, folder)):
        file = inspect_file(plain.path, plain.source)
        names = {name: f"{header_key(name)}_id" for name in file.header if header_key(name) in ("from", "to")}
        if {"from_id", "to_id"} - set(names.values()):
            raise UnreadableFile(f"{path} needs the columns from and to; it has {', '.join(file.header)[:100]}")
        check_header(file, names)
        try:
            rows = read_rows(con, file, names, f"work.aliases.rows_{place}", folder)
        except (duckdb.IOException, duckdb.OutOfMemoryException):
            raise  # the disk or the memory failed, not the file
        except duckdb.Error as error:
            raise UnreadableFile(f"{path} cannot be read: {first_line(error)}") from None
        if rows.rejected:
            line = scalar(con, f"SELECT min({LINE}) FROM {rows.table}_rejected")
            raise UnreadableFile(f"{path}, line {line}: it cannot be split into the header's columns")
        ids = ", ".join(f"{_as_imported(f'CAST({name} AS VARCHAR)')} AS {name}" for name in ("from_id", "to_id"))
        con.execute(f"INSERT INTO pairs SELECT {LINE}, {ids} FROM {rows.table}")


def _as_imported(text: str) -> str:
    tidy = tidy_text(text)
    return f"CASE WHEN contains({text}, '@') THEN lower({tidy}) ELSE {tidy} END"


def _check_pairs(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    for query, problem in (
        ("SELECT line, '' FROM pairs WHERE from_id IS NULL OR to_id IS NULL", "an id is missing"),
        ("SELECT line, from_id FROM pairs WHERE from_id = to_id", "{0!r} cannot be merged into itself"),
        (
            (
                "SELECT b.line, from_id, a.to_id, b.to_id FROM pairs AS a JOIN pairs AS b USING (from_id)"
                " WHERE a.line < b.line AND a.to_id <> b.to_id"
            ),
            "{0!r} is to be merged into {1!r} and into {2!r}: choose one",
        ),
        (
            "SELECT line, from_id, a.to_id FROM pairs p JOIN old.aliases a USING (from_id) WHERE p.to_id <> a.to_id",
            "{0!r} is merged into {1!r} already: remove that alias first",
        ),
    ):
        _refuse(con, query, path, problem)


def _check_no_circle(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    resolve(con, "next.aliases")
    _refuse(
        con,
        f"SELECT {LINE}, from_id FROM pairs WHERE from_id NOT IN (SELECT from_id FROM resolved)",
        path,
        "{0!r} would be merged into themselves by a circle of aliases",
    )


def _refuse(con: duckdb.DuckDBPyConnection, query: str, path: Path, problem: str) -> None:
    """Refuse a file for the first line of a query, whose further columns the problem names."""
    found = con.execute(f"{query} ORDER BY 1 LIMIT 1").fetchone()
    if found:
        line, *values = found
        shown = [value if value is None else str(value)[:100] for value in values]
        raise InvalidParameter(f"{path.name}, line {line}: {problem.format(*shown)}")


def _publish(con: duckdb.DuckDBPyConnection, target: Target, old: dict[str, object], views: Views) -> AliasSummary:
    """Write ``next`` by its aliases, and publish it if they changed. Requires ``pairs``, ``added``, ``removed``."""
    resolve(con, "next.aliases")
    added, removed, given = one_row(
        con, "SELECT (SELECT count(*) FROM added), (SELECT count(*) FROM removed), (SELECT count(*) FROM pairs)"
    )
    unknown = con.execute(
        f"""
        SELECT id FROM (SELECT from_id AS id FROM pairs UNION SELECT to_id FROM pairs)
        WHERE id NOT IN (SELECT id FROM {own_users("old")}) ORDER BY id
        """
    ).fetchall()
    write_resolved(con, "old", "next")
    for table in ("quarantine", "forgotten"):
        con.execute(f"CREATE TABLE next.{table} AS FROM old.{table}")
    con.execute(
        f"""
        CREATE TABLE next.alias_changes AS FROM old.alias_changes
        UNION ALL SELECT $now, '{ADDED}', from_id, to_id FROM added
        UNION ALL SELECT $now, '{REMOVED}', from_id, to_id FROM removed ORDER BY changed_at, from_id
        """,
        {"now": dt.datetime.now(dt.UTC).replace(tzinfo=None)},
    )
    rewrite_info(con, old)
    target.create_views(con, views, str(old["timezone"]))
    moved = scalar(
        con, "SELECT count(*) FROM old.orders AS o JOIN next.orders AS n USING (id) WHERE o.user_id <> n.user_id"
    )
    customers, aliases = one_row(con, "SELECT (SELECT count(*) FROM next.users), (SELECT count(*) FROM next.aliases)")
    summary = AliasSummary(
        added,
        removed,
        given - added,
        tuple(i for (i,) in unknown[:_MAX_SHOWN]),
        len(unknown),
        moved,
        customers,
        aliases,
    )
    if added or removed:
        target.publish(con)
    return summary
