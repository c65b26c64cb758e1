"""Imports into a store for Spark: one folder of Parquet tables per version, and a link to the current version.

DuckDB reads, checks and merges the files as for every store, and writes the tables, so Spark is only needed to read
them. The previous version is kept for readers that have it open.
"""

# SQL is built from this package's own names; values are bound
from __future__ import annotations

import os
import shutil
import uuid
from contextlib import AbstractContextManager
from pathlib import Path

import duckdb
from typing_extensions import override

from customer_revenue.orders.engines.base_target import Target, Views, quoted, view_queries
from customer_revenue.orders.engines.duckdb.upgrade import UPGRADES
from customer_revenue.orders.engines.local_target import LocalTarget, lock_target
from customer_revenue.orders.engines.server_target import TABLES
from customer_revenue.orders.engines.spark.dialect import SparkStoreCompiler
from customer_revenue.orders.engines.spark.engine import VIEW_SUFFIX
from customer_revenue.orders.engines.spark.spark_session import CURRENT_LINK, SparkAddress
from customer_revenue.orders.store_info import SCHEMA_VERSION, read_info

_FILE_BYTES = 256_000_000
"""Approximate size of the files of a table; Spark reads each in a task."""


class SparkTarget(LocalTarget):
    """A folder of Parquet tables; see ``Target``."""

    def __init__(self, store: Path) -> None:
        super().__init__(store, store / ".next")
        self._link = store / CURRENT_LINK
        self._views: dict[str, str] = {}

    @override
    def attach_old(self, con: duckdb.DuckDBPyConnection) -> dict[str, object]:
        if not self._link.exists():
            return {}
        con.execute("ATTACH ':memory:' AS old")
        self._read_current(con, "VIEW")
        info = read_info(con, "old", self.store)
        version = info["schema_version"]
        assert isinstance(version, int)
        if version < SCHEMA_VERSION:
            self._upgrade(con, version)
        return info  # of the old version, so that the upgraded tables are published

    def _upgrade(self, con: duckdb.DuckDBPyConnection, version: int) -> None:
        """Replace ``old`` by an upgraded copy. The next publication writes it."""
        con.execute("DETACH old")
        con.execute(f"ATTACH '{quoted(self.folder / 'old.duckdb')}' AS old")
        self._read_current(con, "TABLE")
        for step in range(version, SCHEMA_VERSION):
            for statement in UPGRADES[step]:
                con.execute(statement.replace("next.", "old."))
        con.execute("UPDATE old.store_info SET schema_version = ?", [SCHEMA_VERSION])

    def _read_current(self, con: duckdb.DuckDBPyConnection, kind: str) -> None:
        """Create a view or table in ``old`` for each table of the current version; an older one may lack some."""
        for name in TABLES:
            if (self._link / name).exists():
                files = quoted(self._link / name / "*.parquet")
                con.execute(f"CREATE {kind} old.{name} AS FROM read_parquet('{files}')")

    @override
    def create_views(self, con: duckdb.DuckDBPyConnection, views: Views, zone: str) -> bool:
        before = {file.name.removesuffix(VIEW_SUFFIX): file.read_text("utf-8") for file in self._view_files()}
        self._views = view_queries(views, zone, SparkStoreCompiler(), "spark") or before
        return self._views != before

    @override
    def publish(self, con: duckdb.DuckDBPyConnection) -> None:
        """Write the next version and point the link to it, atomically."""
        version = f"version-{uuid.uuid4().hex}"
        new = self.folder / version
        new.mkdir()
        for name in TABLES:
            options = f"FORMAT parquet, FILE_SIZE_BYTES {_FILE_BYTES}"
            con.execute(f"COPY (FROM next.{name}) TO '{quoted(new / name)}' ({options})")
        for name, body in self._views.items():
            (new / f"{name}{VIEW_SUFFIX}").write_text(body, "utf-8")
        before = str(self._link.readlink()) if self._link.is_symlink() else ""
        new.rename(self.store / version)
        link = self.folder / CURRENT_LINK
        link.symlink_to(version, target_is_directory=True)
        os.sync()
        link.replace(self._link)
        for old in self.store.glob("version-*"):
            if old.name not in (version, before):
                shutil.rmtree(old, ignore_errors=True)

    def _view_files(self) -> list[Path]:
        return sorted(self._link.glob(f"*{VIEW_SUFFIX}")) if self._link.exists() else []


def spark_target(url: str) -> AbstractContextManager[Target]:
    """Open the store in the URL's folder for one writer at a time.

    Raises:
        InvalidParameter: the URL names no folder.
        StoreBusy: another import holds the lock.
        StoreError: the folder cannot be written.
    """
    store = SparkAddress.of(url).store
    return lock_target(SparkTarget(store), store / ".lock")
