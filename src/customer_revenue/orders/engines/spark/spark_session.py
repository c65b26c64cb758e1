"""Spark sessions, and the parts of a Spark URL: where Spark runs, and the folder of the store."""

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
"""The link in a store's folder that points to the current version."""

_OWN_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.ansi.enabled": "true",
    # Enough rows to keep LightGBM busy, and few enough to need little memory.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
}


@dataclass(frozen=True)
class SparkAddress:
    """What a Spark URL names.

    ``spark:///PATH`` is a folder, read by Python's current session or a local one. ``spark://HOST:PORT/PATH`` is the
    folder ``/PATH``, read by a cluster. A URL without a path is for tables of the catalogue, by a mapping.
    """

    url: str
    master: str
    folder: Path | None

    @classmethod
    def of(cls, url: str) -> SparkAddress:
        """Parse a URL."""
        parts = urlsplit(url)
        path = unquote(parts.path)
        # As in DuckDB URLs, a relative path follows three slashes. A cluster has no working folder.
        path = path if parts.netloc else path.removeprefix("/")
        return cls(
            url, f"{SPARK_PREFIX}{parts.netloc}" if parts.netloc else "", Path(path) if path.strip("/") else None
        )

    @property
    def store(self) -> Path:
        """The folder of a store of ours.

        Raises:
            InvalidParameter: the URL names no folder.
        """
        if self.folder is None:
            raise InvalidParameter(
                f"store: {self.url!r} names no folder; use {SPARK_PREFIX}/PATH or {SPARK_PREFIX}HOST:PORT/PATH"
            )
        return self.folder


def session_for(address: SparkAddress) -> SparkSession:
    """Open a session with its own settings and temporary views.

    It shares the Spark context that Python already has, such as a notebook's or that of ``spark-submit``. Without one,
    it connects to the URL's cluster or starts a local Spark.

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
        # The default of 200 suits a cluster.
        session.conf.set("spark.sql.shuffle.partitions", str(4 * session.sparkContext.defaultParallelism))
    return session


def _start_session(address: SparkAddress) -> SparkSession:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("customer-revenue")
    for name in ("spark.ui.enabled", "spark.ui.showConsoleProgress"):
        builder = builder.config(name, "false")
    if not address.master:
        # By default workers use the first Python on the path, which may lack this package.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        session = (builder.master(address.master) if address.master else builder).getOrCreate()
    except Exception as error:
        raise StoreError(f"Spark does not start: {first_line(error)}") from error
    session.sparkContext.setLogLevel("ERROR")
    logging.getLogger("py4j").setLevel(logging.WARNING)
    return session


def as_store_error(error: Exception) -> StoreError | None:
    """Convert an error of Spark's to a ``StoreError``, or return ``None`` for an invalid query."""
    from py4j.protocol import Py4JError
    from pyspark.errors import AnalysisException, ParseException, PySparkException

    if isinstance(error, (AnalysisException, ParseException)) or not isinstance(error, (PySparkException, Py4JError)):
        return None
    return StoreError(f"Spark cannot answer: {first_line(error)}")


def ibis_type(spark_type: Any) -> Any:
    """Return the Ibis type of a column, with or without a zone for timestamps."""
    import ibis.expr.datatypes as dtypes
    from ibis.backends.sql.datatypes import PySparkType

    name = spark_type.simpleString()
    if name == "timestamp":
        return dtypes.Timestamp(timezone="UTC")
    return dtypes.Timestamp() if name == "timestamp_ntz" else PySparkType.from_string(name)
