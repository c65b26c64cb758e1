"""Metrics for Prometheus: latency by route and outcome, predictions by model, cached responses, ages."""

from __future__ import annotations

import datetime as dt
import os
import threading
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from customer_revenue.workflows.customers.answers import Answers

MULTIPROCESS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
BUCKETS = (0.0005, 0.001, 0.002, 0.004, 0.006, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The metrics of this worker; all workers of a service write into one folder, and any of them reports for all.

    Their labels are the routes of the API and never an address, which would hold a customer and grow without end.
    """

    def __init__(self) -> None:
        # Imported late: the folder of the workers is known only once a worker has started.
        from prometheus_client import Counter, Gauge, Histogram

        self._seconds = Histogram(
            "customer_revenue_request_seconds",
            "Time to answer a request.",
            ("route", "method", "status"),
            buckets=BUCKETS,
        )
        self._kept = Counter("customer_revenue_kept_answers_total", "Requests by use of kept answers.", ("outcome",))
        self._predictions = Counter(
            "customer_revenue_predictions_total", "Customers predicted for, by model.", ("model_version",)
        )
        ages = {
            "store_last_order": "Last order of the store, in seconds since 1970.",
            "store_opened": "When the store in use was opened, in seconds since 1970.",
            "model_trained": "When the model in use was written, in seconds since 1970.",
            "model_of_other_store": "1 while the model in use is one that was trained on another store.",
            "model_refused": "1 while the model that is there is refused and another one, or none, is in use.",
        }
        self._in_memory = Gauge(
            "customer_revenue_customers_in_memory",
            "Customers that a worker keeps in memory, of the worker with the fewest.",
            multiprocess_mode="livemin",
        )
        self._ages = {
            name: Gauge(f"customer_revenue_{name}", text, multiprocess_mode="mostrecent") for name, text in ages.items()
        }

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request has been answered."""
        self._seconds.labels(route, method, str(status)).observe(seconds)

    def looked_up(self, *, found: bool) -> None:
        """The response cache has been looked up."""
        self._kept.labels("hit" if found else "miss").inc()

    def set_customers_in_memory(self, customers: int) -> None:
        """Set the number of customers in memory."""
        self._in_memory.set(customers)

    def predicted(self, model_version: str | None, customers: int) -> None:
        """Predictions have been made."""
        if customers:
            self._predictions.labels(model_version or "none").inc(customers)

    def text(self, answers: Answers | None) -> bytes:
        """Everything in Prometheus' text format."""
        import prometheus_client as prometheus
        from prometheus_client.multiprocess import MultiProcessCollector

        if answers is not None:
            self._set_ages(answers)
        registry = prometheus.REGISTRY
        if MULTIPROCESS_FOLDER in os.environ:
            registry = prometheus.CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # prometheus_client has no type here
        return prometheus.generate_latest(registry) + (answers.monitoring_metrics() if answers else b"")

    def _set_ages(self, answers: Answers) -> None:
        last = answers.info.last_day
        if last is not None:
            self._ages["store_last_order"].set(dt.datetime.combine(last, dt.time(), dt.UTC).timestamp())
        self._ages["store_opened"].set(answers.opened_at)
        self._ages["model_refused"].set(answers.problem is not None)
        self._ages["model_of_other_store"].set(bool(answers.warning))
        if answers.model_written_at is not None:
            self._ages["model_trained"].set(answers.model_written_at)


_making = threading.Lock()


def metrics() -> Metrics:
    """The metrics of this worker, made when they are first needed."""
    with _making:
        return _made()


@cache
def _made() -> Metrics:
    return Metrics()
