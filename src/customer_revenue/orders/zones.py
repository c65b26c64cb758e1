"""DuckDB's function ``timezone`` in expressions; other engines translate it."""

from __future__ import annotations

import ibis
import ibis.expr.datatypes as dtypes


@ibis.udf.scalar.builtin(name="timezone")  # type: ignore[untyped-decorator]
def to_moment(zone: str, moment: dtypes.timestamp) -> dtypes.Timestamp(timezone="UTC"):  # type: ignore[valid-type]
    """DuckDB's ``timezone``: the moment of a local time in a zone."""


@ibis.udf.scalar.builtin(name="timezone")  # type: ignore[untyped-decorator]
def to_local(zone: str, moment: dtypes.Timestamp(timezone="UTC")) -> dtypes.timestamp:  # type: ignore[valid-type]
    """DuckDB's ``timezone``: the local time of a moment in a zone."""
