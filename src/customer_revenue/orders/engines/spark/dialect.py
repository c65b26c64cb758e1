"""Overrides of Ibis's Spark compiler: SQL that Spark needs and Ibis does not generate."""

# ruff: noqa: N802  # Ibis names the methods
from __future__ import annotations

from typing import Any

import ibis.expr.datatypes as dtypes
import ibis.expr.operations as ops
import sqlglot.expressions as sge
from ibis.backends.sql.compilers import PySparkCompiler
from ibis.backends.sql.compilers.base import SQLGlotCompiler

from customer_revenue.orders.engines.compilation import double_literal

_NO_ZONE = sge.DataType(this=sge.DataType.Type.TIMESTAMPNTZ)


class SparkStoreCompiler(PySparkCompiler):  # type: ignore[misc]  # Ibis has no types
    """Compiles expressions over a store. Timestamps are ``TIMESTAMP_NTZ``, whatever the session's zone is."""

    __slots__ = ()

    rewrites = SQLGlotCompiler.rewrites
    """Without Ibis's rewrite of OFFSET, which Spark supports since 3.4."""

    def visit_NonNullLiteral(self, op: ops.Literal, *, value: Any, dtype: dtypes.DataType) -> Any:
        """Write a double with an exponent, since without one Spark reads a decimal, and a timestamp without a zone."""
        if dtype.is_floating():
            return double_literal(float(value))
        if dtype.is_timestamp() and dtype.timezone is None:
            return sge.Cast(this=sge.convert(value.isoformat(sep=" ")), to=_NO_ZONE.copy())
        return SQLGlotCompiler.visit_NonNullLiteral(self, op, value=value, dtype=dtype)

    def visit_Field(self, op: ops.Field, *, rel: Any, name: str) -> Any:
        """Skip Ibis's option to read NaN as null, which requires Spark to be installed."""
        return SQLGlotCompiler.visit_Field(self, op, rel=rel, name=name)

    def visit_IsNull(self, op: ops.IsNull, *, arg: sge.Expression) -> Any:
        """Treat NaN as a number, as on every other engine."""
        return SQLGlotCompiler.visit_IsNull(self, op, arg=arg)

    def visit_NotNull(self, op: ops.NotNull, *, arg: sge.Expression) -> Any:
        """Treat NaN as a number, as on every other engine."""
        return SQLGlotCompiler.visit_NotNull(self, op, arg=arg)

    def visit_Cast(self, op: ops.Cast, *, arg: sge.Expression, to: dtypes.DataType) -> Any:
        """Cast to a timestamp without a zone."""
        if to.is_timestamp() and to.timezone is None:
            return sge.Cast(this=arg, to=_NO_ZONE.copy())
        return super().visit_Cast(op, arg=arg, to=to)

    def visit_ScalarUDF(self, op: ops.ScalarUDF, **arguments: sge.Expression) -> Any:
        """Compile our own functions for time zones: convert between local times, none of which carries a zone."""
        if op.__func_name__ != "timezone":
            return super().visit_ScalarUDF(op, **arguments)
        moment, zone, utc = arguments["moment"], arguments["zone"], sge.convert("UTC")
        if op.zone.value == "UTC":
            return sge.Cast(this=moment, to=_NO_ZONE.copy())
        here, there = (zone, utc) if op.dtype.timezone else (utc, zone)
        return self.f.anon.convert_timezone(here, there, moment)
