"""Overrides of Ibis's DuckDB compiler, where it generates slower SQL than necessary."""

# ruff: noqa: N802  # Ibis names the methods
from __future__ import annotations

from typing import Any

import ibis.expr.operations as ops
import sqlglot.expressions as sge
from ibis.backends.sql.compilers import DuckDBCompiler


class DuckDBStoreCompiler(DuckDBCompiler):  # type: ignore[misc]  # Ibis has no types
    """Compiles expressions over a store. Sums of whole numbers are of 64 bits: DuckDB's 128 take much longer."""

    __slots__ = ()

    def visit_Sum(self, op: ops.Sum, *, arg: sge.Expression, where: sge.Expression | None) -> Any:
        """A sum of the type that Ibis says it has."""
        total = super().visit_Sum(op, arg=arg, where=where)
        return self.cast(total, op.dtype) if op.dtype.is_integer() else total

    def visit_WindowFunction(self, op: ops.WindowFunction, *, func: sge.Expression, **window: Any) -> Any:
        """The window belongs to the sum, not to its type."""
        if not isinstance(func, sge.Cast):
            return super().visit_WindowFunction(op, func=func, **window)
        return self.cast(super().visit_WindowFunction(op, func=func.this, **window), op.dtype)
