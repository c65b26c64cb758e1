"""Monitoring: were the predictions right, and are orders and customers still what they were?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue.errors import AlarmRaised, ModelError, NotEnoughData
from customer_revenue.modeling.rolling_windows import NEXT_DAYS
from customer_revenue.monitoring.drift import drift
from customer_revenue.monitoring.findings import Finding
from customer_revenue.monitoring.realised import EVERYONE, RealisedGroup, realised
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf
from customer_revenue.policy import Monitoring
from customer_revenue.settings import RegistryOptions, Settings
from customer_revenue.tables import FEATURE_COLUMNS
from customer_revenue.workflows.feature_rows import feature_rows, label_rows
from customer_revenue.workflows.monitoring.feed_checks import check_store
from customer_revenue.workflows.monitoring.prediction_log import read_log, tidy
from customer_revenue.workflows.registry.bundles import LoadedModel, load_model

PREDICTED = ("next_purchase_probability", "churn_risk_score", "expected_purchases", "expected_revenue_cents")
FEATURES = tuple(name for name in FEATURE_COLUMNS if name != "customer_id")
MAX_OBSERVED_CUSTOMERS = 50_000
MIN_DRIFT_DAYS = 7
"""Days after training before drift is measured."""


@dataclass(frozen=True)
class Monitored:
    """What monitoring found.

    Attributes:
        day: as of which.
        version: of the model in use, if there is one.
        groups: predictions whose horizon is over, with what happened.
        feed: the checks of the orders.
        drift: of customers and predictions since training.
        policy: tolerances.
    """

    day: dt.date
    version: str | None
    groups: Sequence[RealisedGroup]
    feed: Sequence[Finding]
    drift: Sequence[Finding]
    policy: Monitoring

    @property
    def alarms(self) -> list[str]:
        """Every alarm in one line."""
        wrong = [describe_alarm(group, figure) for group in self.groups for figure in group.alarms]
        return [finding.text for finding in (*self.feed, *self.drift) if finding.alarm] + wrong

    def text(self) -> str:
        """Lines for people."""
        lines = [f"As of {self.day}, model {self.version or 'none'}"]
        lines += [f"  {'ALARM' if f.alarm else 'ok   '} {f.name}: {f.text}" for f in self.feed]
        lines += [f"  {'ALARM' if f.alarm else 'ok   '} {f.text}" for f in self.drift[:5]]
        whole = [group for group in self.groups if group.segment == EVERYONE]
        lines += [f"  {'ALARM' if g.alarms else 'ok   '} {group_summary(g)}" for g in whole]
        if not whole:
            lines.append("  no logged prediction's horizon is over yet")
        alarms = self.alarms
        return "\n".join([*lines, f"{len(alarms)} alarms" if alarms else "No alarm", *(f"  {one}" for one in alarms)])

    def check(self) -> None:
        """Raise if there are alarms.

        Raises:
            AlarmRaised: lists them.
        """
        if self.alarms:
            raise AlarmRaised(f"{len(self.alarms)} alarms as of {self.day}", self.alarms)


def group_summary(group: RealisedGroup) -> str:
    """A group in one line."""
    parts = [
        f"{name.removesuffix('_cents')} {group.bands[key].value:.2f}" for name, key in RATIOS if key in group.bands
    ]
    return (
        f"{group.horizon_days} days from the week of {group.week}, {group.segment}: {group.customers:,} customers, "
        f"actual / predicted {', '.join(parts)}"
    )


RATIOS = (("buyers", "buyers"), ("purchases", "purchases"), ("revenue_cents", "revenue"))


def describe_alarm(group: RealisedGroup, figure: str) -> str:
    """An alarm of a group in one line."""
    band = group.bands[figure]
    what = f"{figure.replace('_', ' ')}"
    where = f"{group.horizon_days} days from the week of {group.week}, {group.segment}"
    stated = f", {group.stated:.2f} is stated" if figure.endswith("coverage") else " times what was predicted"
    return f"{what} of {where}: {band.value:.2f} ({band.low:.2f} to {band.high:.2f}){stated}"


def observe(store: Store, settings: Settings, when: AsOf, policy: Monitoring) -> Monitored:
    """Run every check as of a moment.

    Raises:
        StoreError: the store cannot answer.
    """
    model = _model(settings.registry)
    return Monitored(
        day=when.day,
        version=model.version if model else None,
        groups=_realised(store, settings, when, policy),
        feed=check_store(store, when, policy),
        drift=_drift(store, model, when, policy) if model else [],
        policy=policy,
    )


def tidy_log(store: Store, log: Path | None, today: dt.date) -> None:
    """Join the log's files of past days, without customers whom the store does not know any more."""
    if log is not None and log.is_dir():
        known = store.fetch(store.tables.orders.select(customer_id="user_id").distinct())
        tidy(log, known.column("customer_id").combine_chunks(), today)


def _model(registry: RegistryOptions) -> LoadedModel | None:
    try:
        return load_model(registry)
    except ModelError:
        return None


def _realised(store: Store, settings: Settings, when: AsOf, policy: Monitoring) -> list[RealisedGroup]:
    if settings.log is None:
        return []
    longest = max(NEXT_DAYS, settings.options.churn_days, settings.ltv_horizon_days) + policy.lookback_days
    logged = read_log(settings.log, when.day - dt.timedelta(days=longest), when.day - dt.timedelta(days=1))
    logged = logged.filter(pc.equal(logged.column("store_id"), store.info.id))
    outcomes: dict[tuple[dt.date, int], pa.Table] = {}
    for day, horizons in _over(logged, when.day, policy).items():
        customers = pc.unique(logged.filter(pc.field("as_of") == day).column("customer_id"))
        labels = label_rows(store, day, horizons, pa.chunked_array([customers]))
        for horizon in horizons:
            columns = {"purchases": f"purchases_{horizon}", "revenue_cents": f"revenue_cents_{horizon}"}
            outcomes[day, horizon] = pa.table(
                {"customer_id": labels["customer_id"], **{name: labels[label] for name, label in columns.items()}}
            )
    return realised(logged, outcomes, policy)


def _over(logged: pa.Table, today: dt.date, policy: Monitoring) -> Mapping[dt.date, list[int]]:
    """The horizons of each as-of day that ended lately."""
    found: dict[dt.date, list[int]] = {}
    pairs = logged.select(["as_of", "horizon_days"]).group_by(["as_of", "horizon_days"]).aggregate([])
    for pair in pairs.to_pylist():
        ended = pair["as_of"] + dt.timedelta(days=pair["horizon_days"])
        if today - dt.timedelta(days=policy.lookback_days) < ended <= today:
            found.setdefault(pair["as_of"], []).append(pair["horizon_days"])
    return found


def _drift(store: Store, model: LoadedModel, when: AsOf, policy: Monitoring) -> list[Finding]:
    """Customers and predictions now, on the day of training, and the same number of days before that."""
    trained = model.predictor.as_of_day
    gap = when.day - trained
    if gap.days < MIN_DRIFT_DAYS:
        return []
    try:
        rows = {day: _customers(store, model, day) for day in (trained - gap, trained, when.day)}
    except NotEnoughData:
        return []
    first_day = store.info.first_day
    # The first weeks of a shop, in which every customer is new, are no measure of what is usual.
    early = first_day is None or (trained - gap - first_day).days < policy.feed.baseline_days
    before, then, now = (None if early else rows[trained - gap]), rows[trained], rows[when.day]
    return sorted(
        [
            *drift(FEATURES, before, then, now, policy, "customers'"),
            *drift(PREDICTED, before, then, now, policy, "predicted"),
        ],
        key=lambda finding: (finding.alarm, finding.value),
        reverse=True,
    )


def _customers(store: Store, model: LoadedModel, day: dt.date) -> pa.Table:
    """Features and predictions of customers as of a day, by the model as it is."""
    try:
        when, covariates = store.as_of(day), model.predictor.covariates
        features = feature_rows(store, when, max_customers=MAX_OBSERVED_CUSTOMERS, covariates=covariates)
    except NotEnoughData:
        return pa.table({name: pa.array([], pa.float64()) for name in (*FEATURES, *PREDICTED)})
    predicted = model.predictor.as_of(day).predict(features)
    for name in PREDICTED:
        features = features.append_column(name, predicted.column(name))
    return features
