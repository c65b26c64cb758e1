"""Sums of integers that stay integers of 64 bits, in answers and in views."""

# ruff: noqa: N802  # Ibis names the methods
from __future__ import annotations

from typing import Any

import ibis.expr.operations as ops
import sqlglot.expressions as sge


class IntegerSums:
    """Part of a compiler of Ibis: engines widen such sums to decimals or to 128 bits, which are slower to read."""

    __slots__ = ()

    def visit_Sum(self, op: ops.Sum, *, arg: sge.Expression, where: sge.Expression | None) -> Any:
        """Cast a sum to the type that Ibis declares."""
        total = super().visit_Sum(op, arg=arg, where=where)  # type: ignore[misc]  # the compiler's
        return self.cast(total, op.dtype) if op.dtype.is_integer() else total  # type: ignore[attr-defined]

    def visit_WindowFunction(self, op: ops.WindowFunction, *, func: sge.Expression, **window: Any) -> Any:
        """Apply the window to the sum itself, inside the cast."""
        if not isinstance(func, sge.Cast):
            return super().visit_WindowFunction(op, func=func, **window)  # type: ignore[misc]
        return self.cast(super().visit_WindowFunction(op, func=func.this, **window), op.dtype)  # type: ignore[misc,attr-defined]
