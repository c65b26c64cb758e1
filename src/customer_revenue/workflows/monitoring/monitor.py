"""``customer-revenue monitor``: run the checks, and report to a page, MLflow and Prometheus."""

from __future__ import annotations

import datetime as dt
import uuid
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from customer_revenue import tracking
from customer_revenue.console import Report
from customer_revenue.monitoring.realised import EVERYONE
from customer_revenue.orders.store import open_store
from customer_revenue.policy import load_policy
from customer_revenue.settings import Settings
from customer_revenue.workflows.monitoring.checks import Monitored, observe, tidy_log
from customer_revenue.workflows.monitoring.html_report import page
from customer_revenue.workflows.registry.bundles import MONITORING_METRICS
from customer_revenue.workflows.registry.tracking_delivery import deliver

PAGE = "report.html"


def monitor(settings: Settings, as_of: dt.date | None, output: Path | None, report: Report) -> Monitored:
    """Compare predictions with what happened, check orders and customers, and report it.

    The page goes to ``output``, or to the folder of models. Metrics for Prometheus go to that folder, where the service
    and the textfile collector of a node exporter find them. Both go to a run in MLflow.

    Raises:
        StoreError: the store cannot answer.
    """
    policy = load_policy(settings.policy).monitoring
    with open_store(settings.store, settings.store_options) as store:
        when = store.as_of(as_of or settings.as_of)
        report("Tidying the prediction log")
        tidy_log(store, settings.log, store.as_of(settings.as_of).day)
        report("Comparing predictions, orders and customers with what was expected")
        found = observe(store, settings, when, policy)
        currency = store.info.currency
    report("Reporting")
    metrics = settings.models / MONITORING_METRICS
    metrics.parent.mkdir(parents=True, exist_ok=True)
    _write(output or report_page(settings.models), html := page(found, currency))
    write_to_textfile(str(metrics), _prometheus(found))
    tracking.queue_monitoring(
        settings.registry, _metrics(found), {"as_of": str(found.day), "alarms": str(len(found.alarms))}, html
    )
    deliver(settings.registry)
    return found


def report_page(models: Path) -> Path:
    """Where the page is written by default."""
    return (models / MONITORING_METRICS).with_name(PAGE)


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    draft.write_text(text, "utf-8")
    draft.replace(path)


def _metrics(found: Monitored) -> dict[str, float]:
    """Figures for the tracker: of everyone, of the latest week of each horizon; distances; alarms."""
    values = {"alarms": float(len(found.alarms))}
    for group in reversed(found.groups):
        if group.segment == EVERYONE:
            for name, band in group.bands.items():
                values[f"{name}_{group.horizon_days}"] = band.value
    values |= {f"drift_{finding.name.replace(chr(39), '')}": finding.value for finding in found.drift}
    values |= {f"feed_{finding.name}": float(finding.alarm) for finding in found.feed}
    return {name: value for name, value in values.items() if value == value}  # NaN is not itself


def _prometheus(found: Monitored) -> CollectorRegistry:
    registry = CollectorRegistry()
    prefix = "customer_revenue_monitor"

    def gauge(name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"{prefix}_{name}", text, labels, registry=registry)

    gauge("seconds", "When monitoring ran last, in seconds since 1970.").set_to_current_time()
    gauge("alarms", "Alarms of the last run.").set(len(found.alarms))
    feed = gauge("feed_alarm", "1 where a check of the orders raised an alarm.", "check")
    for finding in found.feed:
        feed.labels(finding.name).set(finding.alarm)
    distance = gauge("drift", "Distance from the day of training.", "what")
    for finding in found.drift:
        distance.labels(finding.name).set(finding.value)
    ratio = gauge(
        "realised", "Actual over predicted, or a share, of the latest week.", "figure", "horizon_days", "segment"
    )
    low = gauge("realised_low", "Lower end of its band.", "figure", "horizon_days", "segment")
    high = gauge("realised_high", "Upper end of its band.", "figure", "horizon_days", "segment")
    for group in reversed(found.groups):
        for name, band in group.bands.items():
            for metric, value in ((ratio, band.value), (low, band.low), (high, band.high)):
                metric.labels(name, str(group.horizon_days), group.segment).set(value)
    return registry
