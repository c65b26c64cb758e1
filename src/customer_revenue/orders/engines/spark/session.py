"""Spark sessions: where Spark runs and where a store is on its file system, from the URL."""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from customer_revenue.errors import InvalidParameter, StoreError
from customer_revenue.orders.duckdb_sql import first_line
from customer_revenue.orders.engines.urls import SPARK_PREFIX

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CURRENT_LINK = "current"
"""The link in a store's folder that names the version which answers."""

_OWN_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.ansi.enabled": "true",
    # Enough rows for LightGBM to be busy, few enough to be nothing in memory.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
}


@dataclass(frozen=True)
class SparkAddress:
    """What a Spark URL names.

    ``spark:///PATH`` is a folder, for the session that Python has or for a local one; ``spark://HOST:PORT/PATH`` is
    the folder ``/PATH`` for a cluster; without a path only tables of the catalogue are meant, by a mapping.
    """

    url: str
    master: str
    folder: Path | None

    @classmethod
    def of(cls, url: str) -> SparkAddress:
        """The address that a URL names."""
        parts = urlsplit(url)
        path = unquote(parts.path)
        # As for an embedded store, a relative path follows three slashes; a cluster has no working folder.
        path = path if parts.netloc else path.removeprefix("/")
        return cls(
            url, f"{SPARK_PREFIX}{parts.netloc}" if parts.netloc else "", Path(path) if path.strip("/") else None
        )

    @property
    def store(self) -> Path:
        """The folder of a store of ours.

        Raises:
            InvalidParameter: the URL names none.
        """
        if self.folder is None:
            raise InvalidParameter(
                f"store: {self.url!r} names no folder; use {SPARK_PREFIX}/PATH or {SPARK_PREFIX}HOST:PORT/PATH"
            )
        return self.folder


def session_for(address: SparkAddress) -> SparkSession:
    """A session with settings and temporary views of its own.

    It shares the Spark that Python already runs, such as a notebook's or that of ``spark-submit``; without one, the
    URL's cluster is connected to, or a local Spark started.

    Raises:
        StoreError: Spark is not installed, or does not start.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise StoreError("Spark needs its extra, and Java: pip install 'customer-revenue[spark]'") from None
    running = SparkSession.getActiveSession()
    session = (running or _start_session(address)).newSession()
    for name, value in _OWN_SETTINGS.items():
        session.conf.set(name, value)
    if running is None and str(session.sparkContext.master).startswith("local"):
        # The usual 200 are for a cluster.
        session.conf.set("spark.sql.shuffle.partitions", str(4 * session.sparkContext.defaultParallelism))
    return session


def _start_session(address: SparkAddress) -> SparkSession:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("customer-revenue")
    for name in ("spark.ui.enabled", "spark.ui.showConsoleProgress"):
        builder = builder.config(name, "false")
    if not address.master:
        # Local workers would else be the first Python on the path, which may lack this package.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        session = (builder.master(address.master) if address.master else builder).getOrCreate()
    except Exception as error:
        raise StoreError(f"Spark does not start: {first_line(error)}") from error
    session.sparkContext.setLogLevel("ERROR")
    logging.getLogger("py4j").setLevel(logging.WARNING)
    return session


def as_store_error(error: Exception) -> StoreError | None:
    """What to say of an error of Spark's; ``None`` for a query that is wrong in itself."""
    from py4j.protocol import Py4JError
    from pyspark.errors import AnalysisException, ParseException, PySparkException

    if isinstance(error, (AnalysisException, ParseException)) or not isinstance(error, (PySparkException, Py4JError)):
        return None
    return StoreError(f"Spark cannot answer: {first_line(error)}")


def ibis_type(spark_type: Any) -> Any:
    """The Ibis type of a column, which says of a moment whether it has a zone."""
    import ibis.expr.datatypes as dtypes
    from ibis.backends.sql.datatypes import PySparkType

    name = spark_type.simpleString()
    if name == "timestamp":
        return dtypes.Timestamp(timezone="UTC")
    return dtypes.Timestamp() if name == "timestamp_ntz" else PySparkType.from_string(name)
