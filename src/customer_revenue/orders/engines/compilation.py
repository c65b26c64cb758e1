"""The compilation of Ibis expressions to SQL with bound parameters."""

from __future__ import annotations

import re
from collections.abc import Callable

import ibis.expr.types as ir
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.base import SQLGlotCompiler

from customer_revenue.orders.engines.base_engine import Statement
from customer_revenue.orders.expressions import PARAMETER_MARK

_PARAMETER_LITERAL = re.compile(f"'{PARAMETER_MARK}([A-Za-z_][A-Za-z_0-9]*)'")


def compile_statement(
    compiler: SQLGlotCompiler, dialect: str, expr: ir.Table, placeholder: Callable[[str], str], percent: str = "%"
) -> Statement:
    """Compile an expression, with the engine's placeholders for its parameters.

    Args:
        compiler: the engine's compiler.
        dialect: the engine's name in sqlglot.
        expr: the expression.
        placeholder: returns the placeholder for the name of a parameter.
        percent: how the engine writes a percent sign in SQL with placeholders.
    """
    text = compiler.to_sqlglot(expr).sql(dialect=dialect).replace("%", percent)
    names = frozenset(_PARAMETER_LITERAL.findall(text))
    sql = _PARAMETER_LITERAL.sub(lambda match: placeholder(match.group(1)), text)
    return Statement(sql, names, expr.schema().to_pyarrow())


def double_literal(value: float) -> sge.Expression:
    """Write a number with an exponent. MySQL and Spark read a number without one as a decimal and round its results."""
    text = repr(value)
    return sge.Literal.number(text if "e" in text else f"{text}e0")
