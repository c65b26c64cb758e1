"""The Spark engine: reads a folder of Parquet tables, or the tables of a catalogue by a mapping."""

from __future__ import annotations

import datetime as dt
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import ibis
import ibis.expr.datatypes as dtypes
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.sql.datatypes import PySparkType
from typing_extensions import override

from customer_revenue.errors import InvalidParameter, StoreError
from customer_revenue.orders.engines.base_engine import Statement
from customer_revenue.orders.engines.compilation import compile_statement
from customer_revenue.orders.engines.map_batches import BatchFunction, BatchTotals
from customer_revenue.orders.engines.server_engine import ServerEngine
from customer_revenue.orders.engines.server_target import TABLES
from customer_revenue.orders.engines.spark.dialect import SparkStoreCompiler
from customer_revenue.orders.engines.spark.spark_session import (
    CURRENT_LINK,
    SparkAddress,
    as_store_error,
    ibis_type,
    session_for,
)
from customer_revenue.orders.mapping import ShopMapping
from customer_revenue.settings import StoreOptions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

VIEW_SUFFIX = ".sql"


class SparkEngine(ServerEngine):
    """A store on Spark: our tables, or a shop's own by a mapping. ``Engine`` documents the methods.

    A store of ours is a snapshot, taken on opening. Spark starts a job for every query, which takes at least half a
    second, so it suits work on all customers; a database suits queries about one customer.
    """

    def __init__(self, url: str, options: StoreOptions, mapping: ShopMapping) -> None:
        address = SparkAddress.of(url)
        self._folder = address.folder
        self._closed = False
        self._session = session_for(address)
        with _store_errors():
            if mapping.tables:
                self._register_parquet(mapping)
            else:
                address.store  # noqa: B018  # raises if the URL names no folder
                create_views(self._session, url)
        super().__init__(url, options, mapping)

    @override
    def compile(self, expr: ir.Table) -> Statement:
        return compile_statement(SparkStoreCompiler(), "spark", expr, lambda name: f":{name}")

    @override
    def run(self, statement: Statement, values: Mapping[str, object]) -> pa.Table:
        with _store_errors():
            return _with_schema(self._query(statement, values).toArrow(), statement.schema)

    @override
    def fetch(self, expr: ir.Table, values: Mapping[str, object]) -> pa.Table:
        with self._in_memory(expr):
            return self.run(self.compile(expr), values)

    @override
    def stream(self, statement: Statement, rows: int) -> Iterator[pa.RecordBatch]:
        """Fetch one partition at a time, as Arrow inside a binary column."""
        with _store_errors():
            packed = self._query(statement, {}).mapInArrow(_as_ipc, "ipc binary")
            for row in packed.toLocalIterator():
                for batch in pa.ipc.open_stream(bytes(row.ipc)):
                    for start in range(0, batch.num_rows, rows):
                        yield from _with_schema(
                            pa.Table.from_batches([batch.slice(start, rows)]), statement.schema
                        ).to_batches()

    @override
    def map_batches(
        self, expr: ir.Table, function: BatchFunction, schema: pa.Schema, sum_columns: Sequence[str], path: Path | None
    ) -> BatchTotals:
        """Apply the function on the executors, and replace an existing folder once everything is written."""
        if path is not None and path.suffix.lower() != ".parquet":
            raise InvalidParameter(
                f"output: {path.name} must end with .parquet, since Spark writes a folder of Parquet files"
            )
        columns = ibis.Schema.from_pyarrow(schema).items()
        ddl = ", ".join(f"{name} {PySparkType.to_string(dtype)}" for name, dtype in columns)
        with _store_errors():
            shared = self._session.sparkContext.broadcast(function)
            results = self._query(self.compile(expr), {}).mapInArrow(lambda batches: map(shared.value, batches), ddl)
            if path is None:
                return _batch_totals(results, sum_columns)
            # Not hidden, since Spark skips hidden folders.
            draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}.draft")
            try:
                results.write.parquet(str(draft.absolute()))
                totals = _batch_totals(self._session.read.parquet(str(draft.absolute())), sum_columns)
                _replace_folder(draft, path)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
                shared.destroy()
            return totals

    @override
    def close(self) -> None:
        self._closed = True

    @override
    def _change_marker(self) -> object:
        if self._mapping.tables or self._folder is None:
            return super()._change_marker()
        return _current_version(self._folder)

    @override
    def _has_store(self) -> bool:
        return self._folder is not None and _current_version(self._folder) is not None

    @override
    def _column_types(self, table: str) -> Mapping[str, dtypes.DataType]:
        if not self._session.catalog.tableExists(table):
            return {}
        return {field.name: ibis_type(field.dataType) for field in self._session.table(table).schema.fields}

    @override
    def _shop_change_marker(self, tables: list[str]) -> object:
        """Return the files of the tables: Spark's table formats replace files and never change one."""
        with _store_errors():
            return [sorted(self._session.table(table).inputFiles()) for table in tables]

    def _query(self, statement: Statement, values: Mapping[str, object]) -> DataFrame:
        if self._closed:
            raise StoreError("the store is closed")
        return self._session.sql(statement.sql, args={name: _as_text(value) for name, value in values.items()})

    @contextmanager
    def _in_memory(self, expr: ir.Table) -> Iterator[None]:
        tables = expr.op().find(ops.InMemoryTable)
        for table in tables:
            self._session.createDataFrame(table.data.to_pyarrow(table.schema)).createOrReplaceTempView(table.name)
        try:
            yield
        finally:
            for table in tables:
                self._session.catalog.dropTempView(table.name)

    def _register_parquet(self, mapping: ShopMapping) -> None:
        """Register each mapped table that is a Parquet file or folder in the URL's folder, before the catalogue's."""
        for columns in mapping.tables.values():
            name = columns["table"]
            path = self._folder / name if self._folder and name.isidentifier() else None
            if path is not None and path.exists():
                self._session.read.parquet(str(path.absolute())).createOrReplaceTempView(name)


def _batch_totals(results: DataFrame, sum_columns: Sequence[str]) -> BatchTotals:
    row = results.selectExpr("count(*) AS rows", *(f"sum({name}) AS {name}" for name in sum_columns)).first()
    assert row is not None
    return BatchTotals(row["rows"], {name: float(row[name] or 0) for name in sum_columns})


def _replace_folder(draft: Path, path: Path) -> None:
    old = draft.with_name(f"{draft.name}.old")
    if path.exists():
        path.rename(old)
    draft.rename(path)
    shutil.rmtree(old, ignore_errors=True) if old.is_dir() else old.unlink(missing_ok=True)


def create_views(session: SparkSession, url: str) -> None:
    """Create the tables and views of a store as temporary views of a session, for an analyst's own Spark SQL.

    Args:
        session: the session. Its time zone does not matter, since the store keeps timestamps without a zone.
        url: the URL of the store. If there is no store, no view is created.
    """
    folder = SparkAddress.of(url).store
    version = _current_version(folder)
    if version is None:
        return
    version_folder = (folder / version).absolute()
    for name in TABLES:
        if (version_folder / name).exists():  # a store of an older version may lack some
            session.read.parquet(str(version_folder / name)).createOrReplaceTempView(name)
    for file in sorted(version_folder.glob(f"*{VIEW_SUFFIX}")):
        session.sql(file.read_text("utf-8")).createOrReplaceTempView(file.name.removesuffix(VIEW_SUFFIX))


def _current_version(folder: Path) -> str | None:
    try:
        return str((folder / CURRENT_LINK).readlink())
    except OSError:
        return None


def _as_text(value: object) -> object:
    """Convert times and days to text, which the query casts: Spark would apply the machine's time zone to a time."""
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, dt.date) else value


def _with_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rename and cast to the declared schema: Spark returns wider types for sums, and may rename columns."""
    return table.rename_columns(schema.names).cast(schema)


def _as_ipc(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        yield pa.record_batch({"ipc": pa.array([sink.getvalue().to_pybytes()], pa.binary())})


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if (failed := as_store_error(error)) is not None:
            raise failed from error
        raise
