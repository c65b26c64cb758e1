"""Drift of customers and predictions since the model was trained.

Customers change all the time, if only by getting older. So the distance between the day of training and today is
measured against the distance that the same span of days before training had made.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import ks_2samp

from customer_revenue.arrays import Floats
from customer_revenue.monitoring.bands import risk_per_figure
from customer_revenue.monitoring.findings import Finding
from customer_revenue.policy import Monitoring

MAX_DRIFT_CUSTOMERS = 50_000


def drift(
    columns: Sequence[str], before: pa.Table | None, training: pa.Table, now: pa.Table, policy: Monitoring, what: str
) -> list[Finding]:
    """Compare columns of customers now with those of the day of training.

    Args:
        columns: to compare; each is a finding.
        before: customers as many days before training as it is past now; ``None`` where the history is too short,
            and nothing raises an alarm.
        training: customers on the day of training.
        now: customers now.
        policy: the distance, and the multiple of the usual distance, that raise an alarm.
        what: the first word of the findings.
    """
    risk = risk_per_figure(policy.false_alarms_per_year, policy.looks_per_year, len(columns))
    found = []
    for name in columns:
        old, new = _values(training, name), _values(now, name)
        distance, chance = _distance(old, new)
        usual = None if before is None else _usual(_values(before, name), old)
        far = usual is not None and distance > max(policy.drift.distance, policy.drift.times_usual * usual)
        text = f"{what} {name.replace('_', ' ')}: distance {distance:.3f} from the day of training, " + (
            "no earlier span to compare with" if usual is None else f"{usual:.3f} in the same span before"
        )
        found.append(Finding(f"{what}_{name}", alarm=far and chance < risk, text=text, value=distance))
    return sorted(found, key=lambda finding: (finding.alarm, finding.value), reverse=True)


def _usual(before: Floats, training: Floats) -> float | None:
    """The distance before training; ``None`` for a figure that had no spread yet, such as one of last year's season."""
    return _distance(before, training)[0] if len(before) and np.ptp(before) > 0 else None


def _distance(one: Floats, other: Floats) -> tuple[float, float]:
    if not len(one) or not len(other):
        return 0.0, 1.0
    found = ks_2samp(one, other, method="asymp")
    return float(found.statistic), float(found.pvalue)


def _values(table: pa.Table, name: str) -> Floats:
    """The values that are not null, of at most :data:`MAX_DRIFT_CUSTOMERS` customers."""
    values = np.asarray(pc.drop_null(table.column(name)).cast(pa.float64()).to_numpy(), np.float64)
    return values[:: -(-len(values) // MAX_DRIFT_CUSTOMERS) or 1]
