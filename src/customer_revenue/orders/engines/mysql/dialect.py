"""Overrides of Ibis's MySQL compiler: SQL that MySQL and MariaDB need and Ibis does not generate."""

# ruff: noqa: S608, N802, ARG002  # SQL is built from quoted column names; Ibis names the methods
from __future__ import annotations

import json
from typing import Any

import ibis
import ibis.expr.datatypes as dtypes
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc
import sqlglot as sg
import sqlglot.expressions as sge
from ibis.backends.sql.compilers import MySQLCompiler
from ibis.backends.sql.compilers.base import SQLGlotCompiler

from customer_revenue.orders.engines.compilation import double_literal
from customer_revenue.orders.engines.integer_sums import IntegerSums

MARIADB_COLLATION = "utf8mb4_nopad_bin"
MYSQL_COLLATION = "utf8mb4_0900_bin"
"""With these collations strings are equal if their characters are, trailing spaces included, and sort by code point."""

ROWS_PER_VARIABLE = 20_000
"""Maximum number of rows of an in-memory table per session variable, whose value must fit into a packet."""

_MAX_VARCHAR = 1_000
_UTC = "+00:00"


@ibis.udf.scalar.builtin(name="exact_text")  # type: ignore[untyped-decorator]
def _exact_text(text: str) -> str:  # type: ignore[empty-body]
    """Mark a string of any character set and collation for comparison by character."""


def exact_text(text: ir.StringValue) -> ir.StringValue:
    """Make a shop's own string compare character by character, as on every other engine."""
    found: ir.StringValue = _exact_text(text)
    return found


class MySQLStoreCompiler(IntegerSums, MySQLCompiler):  # type: ignore[misc]  # Ibis has no types
    """Compiles expressions over a store.

    Args:
        collation: the collation of the connection and of our tables.
    """

    __slots__ = ("collation",)

    def __init__(self, collation: str) -> None:
        super().__init__()
        self.collation = collation

    def to_sqlglot(self, expr: ir.Expr, **options: Any) -> Any:
        """Compile the expression, with semi joins in a form that the servers run fast."""
        return _semi_joins_as_in(super().to_sqlglot(expr, **options))

    def visit_Equals(self, op: ops.Equals, *, left: sge.Expression, right: sge.Expression) -> Any:
        """Compare without a cast around the column, which would prevent the server from using an index."""
        return SQLGlotCompiler.visit_Equals(self, op, left=left, right=right)

    def visit_NonNullLiteral(self, op: ops.Literal, *, value: Any, dtype: dtypes.DataType) -> Any:
        """Write a double with an exponent: without one, the server reads a decimal and rounds quotients."""
        if dtype.is_floating():
            return double_literal(float(value))
        return super().visit_NonNullLiteral(op, value=value, dtype=dtype)

    def visit_Cast(self, op: ops.Cast, *, arg: sge.Expression, to: dtypes.DataType) -> Any:
        """Keep the microseconds of timestamps, and do not cast strings, which loses their collation in a view."""
        if to.is_string() and op.arg.dtype.is_string():
            return arg
        if to.is_timestamp() and not op.arg.dtype.is_numeric():
            return sge.Cast(this=arg, to=sg.parse_one("DATETIME(6)", into=sge.DataType, read="mysql"))
        return super().visit_Cast(op, arg=arg, to=to)

    def visit_ScalarUDF(self, op: ops.ScalarUDF, **arguments: sge.Expression) -> Any:
        """Compile our own functions for time zones and strings."""
        if op.__func_name__ == "exact_text":
            return sge.Collate(this=_in_utf8(arguments["text"]), expression=sge.Var(this=self.collation))
        if op.__func_name__ != "timezone":
            return super().visit_ScalarUDF(op, **arguments)
        zone = sge.convert(_UTC) if op.zone.value == "UTC" else arguments["zone"]
        here, there = (zone, sge.convert(_UTC)) if op.dtype.timezone else (sge.convert(_UTC), zone)
        return arguments["moment"] if here == there else self.f.anon.convert_tz(arguments["moment"], here, there)

    def visit_InMemoryTable(
        self, op: ops.InMemoryTable, *, name: str, schema: ibis.Schema, data: Any
    ) -> sge.Expression:
        """Read the table from the session variables, since a reader may lack the right to create a table."""
        rows = data.to_pyarrow(schema)
        typed, chosen = [], []
        for position, (column, dtype) in enumerate(schema.items()):
            quoted = sg.to_identifier(column, quoted=True).sql("mysql")
            typed.append(f"{quoted} {_json_column_type(dtype, rows.column(column))} PATH '$[{position}]'")
            chosen.append(f"{quoted} COLLATE {self.collation} AS {quoted}" if dtype.is_string() else quoted)
        parts = [
            f"SELECT {', '.join(chosen)} FROM JSON_TABLE(@{variable}, '$[*]' COLUMNS({', '.join(typed)})) AS {variable}"
            for variable in variables(name, len(rows))
        ]
        selection = sg.parse_one(" UNION ALL ".join(parts), read="mysql")
        for column in selection.find_all(sge.JSONColumnDef):
            if column.args["kind"].is_type(*sge.DataType.TEXT_TYPES):  # else in the database's character set
                column.set("kind", sge.Var(this=f"{column.args['kind'].sql('mysql')} CHARACTER SET utf8mb4"))
        return sge.Subquery(this=selection)


def variables(name: str, rows: int) -> list[str]:
    """Return the names of the session variables that hold an in-memory table."""
    return [f"{name}_{part}" for part in range(max(1, -(-rows // ROWS_PER_VARIABLE)))]


def variable_values(name: str, rows: pa.Table) -> dict[str, str]:
    """Return the values of the session variables of an in-memory table, each a JSON list of rows."""
    filled: dict[str, str] = {}
    for position, variable in enumerate(variables(name, len(rows))):
        part = rows.slice(position * ROWS_PER_VARIABLE, ROWS_PER_VARIABLE)
        lists = list(zip(*(column.to_pylist() for column in part.columns), strict=True))
        filled[variable] = json.dumps(lists, ensure_ascii=False, default=str, allow_nan=False)
    return filled


def _in_utf8(text: sge.Expression) -> sge.Expression:
    return sge.Cast(this=text, to=sge.DataType(this=sge.DataType.Type.CHARACTER_SET, kind=sge.Var(this="utf8mb4")))


def _json_column_type(dtype: dtypes.DataType, values: pa.ChunkedArray) -> str:
    """Return the type of a column of an in-memory table, wide enough for its longest string."""
    if dtype.is_string():
        longest = pc.max(pc.utf8_length(values)).as_py() or 1
        return f"VARCHAR({longest})" if longest <= _MAX_VARCHAR else "LONGTEXT"
    kinds = (
        (dtype.is_boolean(), "BOOLEAN"),
        (dtype.is_integer(), "BIGINT"),
        (dtype.is_floating(), "DOUBLE"),
        (dtype.is_date(), "DATE"),
        (dtype.is_timestamp(), "DATETIME(6)"),
    )
    return next(sql_type for fits, sql_type in kinds if fits)


def _semi_joins_as_in(tree: sge.Expression) -> sge.Expression:
    """Rewrite semi joins on one pair of columns as ``IN``, for which the servers materialize the values.

    With ``EXISTS``, which sqlglot generates, they run the subquery for every row.
    """
    for select in tree.find_all(sge.Select):
        joins = select.args.get("joins") or []
        for join in [join for join in joins if (join.kind or "").upper() == "SEMI"]:
            match join.args.get("on"):
                case sge.EQ(this=sge.Column() as outer, expression=sge.Column() as inner):
                    if outer.table == join.alias_or_name:
                        outer, inner = inner, outer
                    joins.remove(join)
                    values = sge.Subquery(this=sg.select(inner).from_(join.this))
                    select.where(sge.In(this=outer, query=values), copy=False)
    return tree
