"""The predictions that a worker returned, written to the prediction log by a thread in batches."""

from __future__ import annotations

import datetime as dt
import logging
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from customer_revenue.modeling.rolling_windows import NEXT_DAYS
from customer_revenue.tables import HORIZON_PREDICTIONS, PREDICTION_LOG_SCHEMA
from customer_revenue.workflows.monitoring.prediction_log import sampled, write_rows

logger = logging.getLogger(__name__)

FLUSH_EVERY_SECONDS = 60.0
MAX_ROWS = 200_000
"""Maximum number of waiting customers; beyond that the oldest are dropped."""

SERVICE_SOURCE = "service"
LOGGED_COLUMNS = (
    "as_of",
    "horizon_days",
    "churn_days",
    "next_purchase_probability",
    "churn_risk_score",
    "purchase_probability",
    *HORIZON_PREDICTIONS,
)


class PredictionLog:
    """Logs predictions: one per customer, day and model, however often a customer is requested.

    Args:
        folder: folder of the log; ``None`` for no log.
        share: share of customers whose predictions are logged, from 0 to 1.
    """

    def __init__(self, folder: Path | None, share: float) -> None:
        self._folder, self._share = folder, share
        self._waiting: deque[tuple[Any, ...]] = deque(maxlen=MAX_ROWS)
        self._seen: set[str] = set()
        self._seen_for: tuple[object, ...] = ()
        self._lock = threading.Lock()
        self._started = False
        self._worker = f"{socket.gethostname()}-{os.getpid()}-{time.time_ns():x}"

    @property
    def enabled(self) -> bool:
        """Whether predictions are logged."""
        return self._folder is not None and self._share > 0

    def note(self, customer: Mapping[str, Any], version: str | None, store_id: str) -> None:
        """Log a customer's response, alone or in a batch, if it has ``predictions``."""
        predictions = customer.get("predictions")
        if not predictions or not self.enabled:
            return
        name = customer["customer_id"]
        context = (predictions["as_of"], version, store_id)
        if context != self._seen_for:
            self._seen, self._seen_for = set(), context
        if name in self._seen:
            return
        self._seen.add(name)
        values = [predictions[key] for key in LOGGED_COLUMNS]
        self._waiting.append((name, customer["customer_segment"], version, store_id, time.time(), *values))
        if not self._started:
            self._start()

    def flush(self) -> None:
        """Write the waiting predictions; also called when the service stops."""
        with self._lock:
            rows = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if rows and self._folder is not None:
                write_rows(self._folder, sampled(_rows(rows), self._share), self._worker)

    def _start(self) -> None:
        self._started = True
        threading.Thread(target=self._write, name="prediction-log", daemon=True).start()

    def _write(self) -> None:
        while True:
            time.sleep(FLUSH_EVERY_SECONDS)
            try:
                self.flush()
            except Exception:
                logger.exception("could not write the prediction log; the last rows are lost")


def _rows(entries: list[tuple[Any, ...]]) -> pa.Table:
    """Three rows per customer: the chances at 30 days and in the churn window, and all predictions at the horizon."""
    names = ("customer_id", "segment", "model_version", "store_id", "predicted_at", *LOGGED_COLUMNS)
    columns = dict(zip(names, zip(*entries, strict=True), strict=True))
    number = len(entries)
    common = {name: pa.array(columns[name], pa.string()) for name in names[:4]} | {
        "as_of": pa.array([dt.date.fromisoformat(day) for day in columns["as_of"]], pa.date32()),
        "predicted_at": pa.array(columns["predicted_at"], pa.float64()),
        "source": pa.repeat(pa.scalar(SERVICE_SOURCE), number),
    }
    micros = [round(at * 1_000_000) for at in columns["predicted_at"]]
    common["predicted_at"] = pa.array(micros, pa.int64()).cast(pa.timestamp("us", "UTC"))
    near = {"horizon_days": [NEXT_DAYS] * number, "purchase_probability": columns["next_purchase_probability"]}
    buys = [1 - risk for risk in columns["churn_risk_score"]]
    middle = {"horizon_days": columns["churn_days"], "purchase_probability": buys}
    whole = {name: columns[name] for name in LOGGED_COLUMNS if name in PREDICTION_LOG_SCHEMA.names and name != "as_of"}
    return pa.concat_tables(_table(common, own, number) for own in (near, middle, whole))


def _table(common: Mapping[str, pa.Array], own: Mapping[str, Any], number: int) -> pa.Table:
    def of(name: str) -> pa.Array:
        kind = PREDICTION_LOG_SCHEMA.field(name).type
        return common[name] if name in common else pa.array(own.get(name, [None] * number), kind)

    return pa.table({name: of(name) for name in PREDICTION_LOG_SCHEMA.names}, schema=PREDICTION_LOG_SCHEMA)
