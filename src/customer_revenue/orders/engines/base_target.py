"""The interface of the target of an import."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from customer_revenue.orders.expressions import as_of_day, canonical_tables
from customer_revenue.tables import Canonical

if TYPE_CHECKING:
    import ibis.expr.operations as ops
    import ibis.expr.types as ir
    from ibis.backends.sql.compilers.base import SQLGlotCompiler

Views = Mapping[str, Callable[[Canonical, "ir.DateScalar"], "ir.Table"]]
"""Views to create in the store, by name. Each is built from the canonical tables and the store's as-of day."""

# With small row groups, finding one customer's orders takes half the time that it takes with the default of 122,880.
_ROW_GROUP_SIZE = 30_720


class Target(ABC):
    """A store that an import writes, and a working folder.

    The import runs on an in-memory DuckDB connection with the attached databases ``old`` (the current store, if there
    is one), ``work`` (the contents of the files) and ``next`` (the new store).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.next_file = folder / "store.duckdb"

    def attach(self, con: duckdb.DuckDBPyConnection) -> None:
        """Attach ``work`` and ``next``, and let DuckDB spill into the working folder."""
        con.execute("SET temp_directory = ?", [str(self.folder / "spill")])
        con.execute(f"ATTACH '{quoted(self.folder / 'work.duckdb')}' AS work")
        self.attach_next(con)

    def attach_next(self, con: duckdb.DuckDBPyConnection) -> None:
        """Attach ``next``, a new file unless there is one."""
        con.execute(f"ATTACH '{quoted(self.next_file)}' AS next (ROW_GROUP_SIZE {_ROW_GROUP_SIZE})")

    def copy_old(self, con: duckdb.DuckDBPyConnection) -> bool:  # noqa: ARG002  # of the embedded store
        """Make ``next`` a copy of ``old``, if that saves work; return whether it is one."""
        return False

    @abstractmethod
    def attach_old(self, con: duckdb.DuckDBPyConnection) -> dict[str, object]:
        """Attach ``old`` and return its store info, which is empty if there is no store yet.

        Raises:
            StoreNotUsable: what is there is not a store that this package can write.
        """

    @abstractmethod
    def create_views(self, con: duckdb.DuckDBPyConnection, views: Views, zone: str) -> bool:
        """Create the views in ``next``, and return whether they differ from those in ``old``.

        Args:
            con: the import's connection.
            views: the views.
            zone: IANA name of the reporting zone, which decides the days.
        """

    @abstractmethod
    def publish(self, con: duckdb.DuckDBPyConnection) -> None:
        """Replace ``old`` with ``next``, atomically."""


def view_queries(views: Views, zone: str, compiler: SQLGlotCompiler, dialect: str) -> dict[str, str]:
    """Compile the query of each view to one engine's SQL, by the name of the view.

    Args:
        views: the views.
        zone: IANA name of the reporting zone.
        compiler: the engine's compiler.
        dialect: the engine's name in sqlglot.
    """
    tables, day = canonical_tables(zone), as_of_day(zone)
    return {name: _compiled(build(tables, day).op(), compiler, dialect) for name, build in views.items()}


@lru_cache(maxsize=16)
def _compiled(query: ops.Relation, compiler: SQLGlotCompiler, dialect: str) -> str:
    """Compiled once per compiler: it takes half of the time of a small import."""
    return str(compiler.to_sqlglot(query.to_expr()).sql(dialect=dialect))


def quoted(path: Path) -> str:
    """Escape a path for single quotes, since ATTACH takes no bound parameter."""
    return str(path).replace("'", "''")
