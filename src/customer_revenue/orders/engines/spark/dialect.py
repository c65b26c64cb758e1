"""Overrides of Ibis's Spark compiler: what Spark needs otherwise, or Ibis lacks."""

# ruff: noqa: N802  # Ibis names the methods
from __future__ import annotations

from typing import Any

import ibis.expr.datatypes as dtypes
import ibis.expr.operations as ops
import sqlglot.expressions as sge
from ibis.backends.sql.compilers import PySparkCompiler
from ibis.backends.sql.compilers.base import SQLGlotCompiler

from customer_revenue.orders.engines.base_engine import double_literal

_NO_ZONE = sge.DataType(this=sge.DataType.Type.TIMESTAMPNTZ)


class SparkStoreCompiler(PySparkCompiler):  # type: ignore[misc]  # Ibis has no types
    """Compiles expressions over a store. Moments are ``TIMESTAMP_NTZ``, whatever the session's zone is."""

    __slots__ = ()

    rewrites = SQLGlotCompiler.rewrites
    """Without Ibis's own form of OFFSET, which Spark has known since 3.4."""

    def visit_NonNullLiteral(self, op: ops.Literal, *, value: Any, dtype: dtypes.DataType) -> Any:
        """A double with an exponent, since without one Spark takes it for a decimal; a moment without a zone."""
        if dtype.is_floating():
            return double_literal(float(value))
        if dtype.is_timestamp() and dtype.timezone is None:
            return sge.Cast(this=sge.convert(value.isoformat(sep=" ")), to=_NO_ZONE.copy())
        return SQLGlotCompiler.visit_NonNullLiteral(self, op, value=value, dtype=dtype)

    def visit_Field(self, op: ops.Field, *, rel: Any, name: str) -> Any:
        """Without Ibis's option that takes NaN for null, which needs Spark itself to be there."""
        return SQLGlotCompiler.visit_Field(self, op, rel=rel, name=name)

    def visit_IsNull(self, op: ops.IsNull, *, arg: sge.Expression) -> Any:
        """NaN is a number, as on every other engine."""
        return SQLGlotCompiler.visit_IsNull(self, op, arg=arg)

    def visit_NotNull(self, op: ops.NotNull, *, arg: sge.Expression) -> Any:
        """Likewise."""
        return SQLGlotCompiler.visit_NotNull(self, op, arg=arg)

    def visit_Cast(self, op: ops.Cast, *, arg: sge.Expression, to: dtypes.DataType) -> Any:
        """A moment without a zone."""
        if to.is_timestamp() and to.timezone is None:
            return sge.Cast(this=arg, to=_NO_ZONE.copy())
        return super().visit_Cast(op, arg=arg, to=to)

    def visit_ScalarUDF(self, op: ops.ScalarUDF, **arguments: sge.Expression) -> Any:
        """The functions of zones: local times are moved from one zone to the other, and nothing has a zone."""
        if op.__func_name__ != "timezone":
            return super().visit_ScalarUDF(op, **arguments)
        moment, zone, utc = arguments["moment"], arguments["zone"], sge.convert("UTC")
        if op.zone.value == "UTC":
            return sge.Cast(this=moment, to=_NO_ZONE.copy())
        here, there = (zone, utc) if op.dtype.timezone else (utc, zone)
        return self.f.anon.convert_timezone(here, there, moment)
