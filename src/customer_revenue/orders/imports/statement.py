"""The statement of an import: what each file holds, the store before and after, what changed, and the books' checks."""

# ruff: noqa: S608  # SQL is built from this package's own names; values are bound
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from customer_revenue.currencies import minor_digits, money_text
from customer_revenue.errors import BooksDisagree
from customer_revenue.orders.duckdb_sql import one_row, scalar
from customer_revenue.orders.files.whole_orders import IS_REPEATED

_COUNTED = "status IN ('paid', 'refunded')"
_MAX_SHOWN = 5


@dataclass(frozen=True)
class Totals:
    """Counted orders and refunds of some orders. Refunds include the totals of refunded orders."""

    name: str
    orders: int
    customers: int
    gross_cents: int
    refunds_cents: int

    @property
    def net_cents(self) -> int:
        """Gross less refunds."""
        return self.gross_cents - self.refunds_cents


@dataclass(frozen=True)
class BookCheck:
    """A check that a bookkeeper would make."""

    what: str
    agrees: bool
    detail: str


@dataclass(frozen=True)
class ImportStatement:
    """The statement of an import."""

    currency: str
    files: tuple[Totals, ...]
    before: Totals
    after: Totals
    changes: tuple[str, ...]
    checks: tuple[BookCheck, ...]

    def render(self) -> str:
        """Render the statement as text."""
        rows = [("", "orders", "customers", "gross", "refunds", "net")]
        rows += [self._row(totals) for totals in (*self.files, self.before, self.after)]
        widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
            for row in rows
        ]
        lines += [f"Changed: {change}" for change in self.changes]
        lines += [
            f"{'agrees' if check.agrees else 'DISAGREES':<10}{check.what}: {check.detail}" for check in self.checks
        ]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """Return the statement as JSON values; amounts are in cents."""
        return {
            "currency": self.currency,
            "files": [_totals_dict(totals) for totals in self.files],
            "store_before": _totals_dict(self.before),
            "store_after": _totals_dict(self.after),
            "changes": list(self.changes),
            "checks": [{"check": c.what, "agrees": c.agrees, "detail": c.detail} for c in self.checks],
        }

    def _row(self, totals: Totals) -> tuple[str, str, str, str, str, str]:
        amounts = (totals.gross_cents, totals.refunds_cents, totals.net_cents)
        counts = (f"{totals.orders:,}", f"{totals.customers:,}")
        gross, refunds, net = (money_text(amount, self.currency) for amount in amounts)
        return (totals.name, *counts, gross, refunds, net)


@dataclass(frozen=True)
class Expectations:
    """What the books of the shop say of the files."""

    gross: Decimal | None = None
    """In units of the currency."""
    orders: int | None = None

    def check(self, found: Totals, currency: str) -> None:
        """Compare with the totals of the files.

        Raises:
            BooksDisagree: they differ; the details name the differences.
        """
        wrong = []
        gross = None if self.gross is None else self.gross.scaleb(minor_digits(currency))
        if gross is not None and gross != found.gross_cents:
            expected, actual = money_text(int(gross), currency), money_text(found.gross_cents, currency)
            if gross != int(gross):
                expected = f"{self.gross} {currency}"
            wrong.append(f"gross: expected {expected}, found {actual}")
        if self.orders is not None and self.orders != found.orders:
            wrong.append(f"orders: expected {self.orders:,}, found {found.orders:,}")
        if wrong:
            raise BooksDisagree("the files do not agree with the books: nothing was imported", wrong)


def totals_of_files(con: duckdb.DuckDBPyConnection, schema: str, sources: Sequence[str]) -> tuple[Totals, ...]:
    """Return the totals of each file. An order in two files is in the totals of both, each with its own lines."""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE file_orders AS
        WITH good AS (
            SELECT file, order_id AS id, user_id, status, is_summed, amount_cents, total_cents,
                {IS_REPEATED} AS is_repeated
            FROM {schema}.lines WHERE reason IS NULL AND role = 'order'
        )
        SELECT file, id, user_id, status, CASE WHEN is_summed THEN amount_cents ELSE total_cents END AS total_cents
        FROM good WHERE NOT is_repeated
        UNION ALL
        SELECT file, id, any_value(user_id), any_value(status),
            CASE WHEN bool_or(is_summed) THEN sum(amount_cents) ELSE any_value(total_cents) END
        FROM good WHERE is_repeated GROUP BY file, id
        """
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE file_refunds AS
        SELECT lines.file, lines.refund_id AS id, any_value(lines.order_id) AS order_id,
            CASE WHEN bool_or(is_summed) THEN sum(refund_cents) ELSE any_value(refund_cents) END AS amount_cents
        FROM {schema}.lines AS lines JOIN {schema}.refunds AS staged ON staged.id = lines.refund_id
        WHERE reason IS NULL GROUP BY lines.file, lines.refund_id
        """
    )
    return tuple(
        _totals(con, source, f"(FROM file_orders WHERE file = {file})", f"(FROM file_refunds WHERE file = {file})")
        for file, source in enumerate(sources)
    )


def totals_of(con: duckdb.DuckDBPyConnection, name: str, database: str) -> Totals:
    """Return the totals of the tables of a database or schema."""
    return _totals(con, name, f"{database}.orders", f"{database}.refunds")


def no_totals(name: str) -> Totals:
    """Return the totals of a store that does not exist yet."""
    return Totals(name, 0, 0, 0, 0)


def _totals(con: duckdb.DuckDBPyConnection, name: str, orders: str, refunds: str) -> Totals:
    found = one_row(
        con,
        f"""
        WITH counted AS (SELECT id, user_id, status, total_cents FROM {orders} WHERE {_COUNTED}),
        whole AS (SELECT id, total_cents FROM counted WHERE status = 'refunded')
        SELECT count(*), count(DISTINCT user_id), coalesce(sum(total_cents), 0),
            coalesce((SELECT sum(total_cents) FROM whole), 0) + coalesce((
                SELECT sum(amount_cents) FROM {refunds} AS r
                WHERE r.order_id IS NULL OR r.order_id NOT IN (SELECT id FROM whole)
            ), 0)
        FROM counted
        """,
    )
    return Totals(name, *map(int, found))


def changes_of(con: duckdb.DuckDBPyConnection, database: str, schema: str, currency: str) -> tuple[str, ...]:
    """Return what files change in a store's orders, a line each."""
    both = f"{database}.orders AS b JOIN {schema}.orders AS n USING (id)"
    lines = []
    moved = con.execute(
        f"SELECT id, b.total_cents, n.total_cents FROM {both} WHERE b.total_cents <> n.total_cents ORDER BY id"
    ).fetchall()
    if moved:
        examples = ", ".join(
            f"{i} {money_text(old, currency)} to {money_text(new, currency)}" for i, old, new in moved[:_MAX_SHOWN]
        )
        by = sum(new - old for _, old, new in moved)
        lines.append(f"the total of {len(moved):,} orders, by {money_text(by, currency)} in all ({examples})")
    back = f"(b.status = 'refunded' AND n.status <> 'refunded') OR (b.{_COUNTED} AND NOT n.{_COUNTED})"
    for before, after, count in con.execute(
        f"SELECT b.status, n.status, count(*) FROM {both} WHERE {back} GROUP BY ALL ORDER BY ALL"
    ).fetchall():
        lines.append(f"{count:,} orders went back from {before} to {after}")
    people = con.execute(
        f"SELECT id, b.user_id, n.user_id FROM {both} WHERE b.user_id <> n.user_id ORDER BY id"
    ).fetchall()
    if people:
        examples = ", ".join(f"{i} from {old} to {new}" for i, old, new in people[:_MAX_SHOWN])
        lines.append(f"{len(people):,} orders moved to another customer ({examples})")
    return tuple(lines)


def checks_of(
    con: duckdb.DuckDBPyConnection, schema: str, currency: str, *, lines: int, repeated: int
) -> tuple[BookCheck, ...]:
    """BookCheck that each line is accounted for, and that orders agree with their items and their refunds."""
    kept = scalar(con, f"SELECT count(*) FROM {schema}.lines WHERE reason IS NULL")
    bad = scalar(con, f"SELECT count(*) FROM {schema}.quarantine")
    unequal, difference = one_row(
        con,
        f"""
        SELECT count(*), coalesce(sum(abs(items - total_cents)), 0) FROM (
            SELECT order_id AS id, sum(amount_cents) AS items FROM {schema}.order_items GROUP BY order_id
        ) JOIN {schema}.orders USING (id) WHERE items <> total_cents
        """,
    )
    found = [
        BookCheck(
            "lines read",
            lines == kept + repeated + bad,
            f"{lines:,} = {kept:,} imported + {repeated:,} repeated + {bad:,} quarantined",
        ),
    ]
    if unequal:
        by = money_text(difference, currency)
        detail = f"{unequal:,} orders differ from their items, by {by} in all, as tax, shipping and discounts make them"
        found.append(BookCheck("totals and items", agrees=True, detail=detail))
    return tuple(found)


def _totals_dict(totals: Totals) -> dict[str, object]:
    return {
        "name": totals.name,
        "orders": totals.orders,
        "customers": totals.customers,
        "gross_cents": totals.gross_cents,
        "refunds_cents": totals.refunds_cents,
        "net_cents": totals.net_cents,
    }
