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
    """Metrics of this worker. All workers of a service write to one folder, and each reports the totals.

    Labels hold route patterns and never paths, which name customers and have no bound.
    """

    def __init__(self) -> None:
        # Imported late: the workers' folder is known only once a worker has started.
        from prometheus_client import Counter, Gauge, Histogram

        self._seconds = Histogram(
            "customer_revenue_request_seconds",
            "Response time.",
            ("route", "method", "status"),
            buckets=BUCKETS,
        )
        self._cache_lookups = Counter(
            "customer_revenue_kept_answers_total", "Requests by use of the response cache.", ("outcome",)
        )
        self._predictions = Counter(
            "customer_revenue_predictions_total", "Predicted customers by model version.", ("model_version",)
        )
        self._unanswered = Counter(
            "customer_revenue_unanswered_total",
            "Requests given up, by lane (batch, store or customer) and reason (queue_full, deadline or client_gone).",
            ("lane", "reason"),
        )
        self._closed = Counter(
            "customer_revenue_connections_closed_total",
            "Connections closed by reason: slow_headers, slow_body, slow_reader, or no_room for more.",
            ("reason",),
        )
        self._reverted = Counter(
            "customer_revenue_models_reverted_total", "Promotions that the service took back by itself."
        )
        gauges = {
            "store_last_order": "Time of the store's last order, in seconds since 1970.",
            "store_opened": "Time the current store was opened, in seconds since 1970.",
            "store_away": "1 while the store does not answer.",
            "model_trained": "Time the current model was written, in seconds since 1970.",
            "model_of_other_store": "1 while the current model was trained on another store.",
            "model_fallback": "1 while MLflow is away and the last good bundle answers instead of the one it names.",
            "model_refused": "1 while the newest model is refused and the previous one, or none, is in use.",
        }
        self._in_memory = Gauge(
            "customer_revenue_customers_in_memory",
            "Customers in memory, of the worker with the fewest.",
            multiprocess_mode="livemin",
        )
        self._gauges = {
            name: Gauge(f"customer_revenue_{name}", text, multiprocess_mode="mostrecent")
            for name, text in gauges.items()
        }

    def observe_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Measure a request."""
        self._seconds.labels(route, method, str(status)).observe(seconds)

    def count_cache_lookup(self, *, found: bool) -> None:
        """Count a lookup in the response cache."""
        self._cache_lookups.labels("hit" if found else "miss").inc()

    def count_unanswered(self, lane: str, reason: str) -> None:
        """Count a request that was given up."""
        self._unanswered.labels(lane, reason).inc()

    def count_closed_connection(self, reason: str) -> None:
        """Count a connection that the service closed although its client did not."""
        self._closed.labels(reason).inc()

    def count_reverted_model(self) -> None:
        """Count a promotion that was taken back."""
        self._reverted.inc()

    def set_customers_in_memory(self, customers: int) -> None:
        """Set the number of customers in memory."""
        self._in_memory.set(customers)

    def count_predictions(self, model_version: str | None, customers: int) -> None:
        """Count predictions."""
        if customers:
            self._predictions.labels(model_version or "none").inc(customers)

    def text(self, answers: Answers | None) -> bytes:
        """All metrics in Prometheus' text format."""
        import prometheus_client as prometheus
        from prometheus_client.multiprocess import MultiProcessCollector

        if answers is not None:
            self._set_gauges(answers)
        registry = prometheus.REGISTRY
        if MULTIPROCESS_FOLDER in os.environ:
            registry = prometheus.CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # prometheus_client has no type here
        return prometheus.generate_latest(registry) + (answers.monitoring_metrics() if answers else b"")

    def _set_gauges(self, answers: Answers) -> None:
        last = answers.info.last_day
        if last is not None:
            self._gauges["store_last_order"].set(dt.datetime.combine(last, dt.time(), dt.UTC).timestamp())
        self._gauges["store_opened"].set(answers.opened_at)
        self._gauges["store_away"].set(answers.freshness.is_away)
        self._gauges["model_refused"].set(answers.problem is not None)
        self._gauges["model_of_other_store"].set(answers.is_of_other_store)
        self._gauges["model_fallback"].set(answers.is_fallback)
        if answers.model_written_at is not None:
            self._gauges["model_trained"].set(answers.model_written_at)


_lock = threading.Lock()


def metrics() -> Metrics:
    """The metrics of this worker, made when they are first needed."""
    with _lock:
        return _create()


@cache
def _create() -> Metrics:
    return Metrics()
