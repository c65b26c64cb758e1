"""The target of an import."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import ibis.expr.types as ir
from ibis.backends.sql.compilers.base import SQLGlotCompiler

from customer_revenue.orders.expressions import as_of_day, canonical_tables
from customer_revenue.tables import Canonical

Views = Mapping[str, Callable[[Canonical, ir.DateScalar], ir.Table]]
"""Views to create in the store, by name: each from the canonical tables and the day that the store counts to."""

# Small row groups: one customer's orders are found twice as fast as with the default of 122,880 rows.
_ROW_GROUP_SIZE = 30_720


class Target(ABC):
    """A store under import, and a folder for the work.

    The import works on an in-memory DuckDB connection with the databases ``old`` (the store as it is, if there is
    one), ``work`` (what the files say) and ``next`` (the store to be).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.next_file = folder / "store.duckdb"

    def attach(self, con: duckdb.DuckDBPyConnection) -> None:
        """Attach ``work`` and ``next``, and spill into the folder."""
        con.execute("SET temp_directory = ?", [str(self.folder / "spill")])
        con.execute(f"ATTACH '{quoted(self.folder / 'work.duckdb')}' AS work")
        con.execute(f"ATTACH '{quoted(self.next_file)}' AS next (ROW_GROUP_SIZE {_ROW_GROUP_SIZE})")

    @abstractmethod
    def attach_old(self, con: duckdb.DuckDBPyConnection) -> dict[str, object]:
        """Attach ``old``; what it says of itself, nothing if there is no store yet.

        Raises:
            StoreNotUsable: what is there is no store that this package can write.
        """

    @abstractmethod
    def create_views(self, con: duckdb.DuckDBPyConnection, views: Views, zone: str) -> bool:
        """Make the views part of ``next``; whether they differ from those of ``old``.

        Args:
            con: the import's connection.
            views: the views.
            zone: the reporting zone, for the days that views may use.
        """

    @abstractmethod
    def publish(self, con: duckdb.DuckDBPyConnection) -> None:
        """Put ``next`` in the place of ``old``, in one step."""


def view_queries(views: Views, zone: str, compiler: SQLGlotCompiler, dialect: str) -> dict[str, str]:
    """The query of each view in one engine's SQL, by the name of the view.

    Args:
        views: the views.
        zone: IANA name of the reporting zone.
        compiler: of the engine.
        dialect: its name in sqlglot.
    """
    tables, day = canonical_tables(zone), as_of_day(zone)
    return {name: compiler.to_sqlglot(build(tables, day)).sql(dialect=dialect) for name, build in views.items()}


def quoted(path: Path) -> str:
    """A path inside single quotes: ATTACH takes no bound parameter."""
    return str(path).replace("'", "''")
