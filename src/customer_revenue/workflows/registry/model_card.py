"""The card of the model in use: what it is, how its back-test went, where its run is."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from customer_revenue.arrays import Floats
from customer_revenue.modeling.forecast_names import COVERAGE, METRICS, PREFIXES
from customer_revenue.modeling.manifest import MANIFEST, read_manifest
from customer_revenue.workflows.registry.bundles import UNDER_WAY, LoadedModel
from customer_revenue.workflows.registry.champion import live_since

if TYPE_CHECKING:
    from customer_revenue.orders.store import Store

RUN = "run.json"
"""Written next to the bundle once its training is done, and again once its run is tracked.

The bundle is part of the run and cannot name it.
"""

NAMED = (
    "version",
    "as_of_day",
    "window_first_day",
    "window_last_day",
    "horizon_days",
    "tier",
    "tier_reason",
    "packages",
)
RELIABILITY_BINS = 10


def calibration(probability: Floats, bought: Floats, bins: int = RELIABILITY_BINS) -> list[dict[str, float]]:
    """Predicted probability and observed share, in groups of equal numbers of customers.

    Args:
        probability: predicted, one per customer.
        bought: 1 where it happened, 0 elsewhere.
        bins: groups.
    """
    order = np.argsort(probability, kind="stable")
    groups = [group for group in np.array_split(order, min(bins, len(order))) if len(group)]
    return [
        {
            "predicted": round(float(np.mean(probability[group])), 6),
            "observed": round(float(np.mean(bought[group])), 6),
            "customers": len(group),
        }
        for group in groups
    ]


def write_run(folder: Path, run: Mapping[str, object]) -> None:
    """Note the run that tracked a bundle; an empty one while it waits to be sent."""
    draft = folder / f".{RUN}"
    draft.write_text(json.dumps(run, indent=1), "utf-8")
    draft.replace(folder / RUN)


def model_card(model: LoadedModel, store: Store) -> dict[str, object]:
    """What the manifest and the run of a bundle say.

    Raises:
        ModelError: the manifest cannot be read.
    """
    folder = model.folder
    manifest = read_manifest(folder)
    metrics = manifest.get("metrics") or {}
    return {
        "model": {name: manifest.get(name) for name in NAMED},
        "trained_at": _trained_at(folder),
        "live_since": live_since(folder),
        "warning": model.warning_for(store.info) or None,
        "same_data": manifest.get("data_fingerprint") == store.info.fingerprint,
        "backtest": manifest.get("backtest"),
        UNDER_WAY: model.backtest_under_way,
        "figures": [
            {"name": name, "values": {model: metrics.get(f"{prefix}{name}") for model, prefix in PREFIXES.items()}}
            for name in METRICS
            if name in metrics
        ],
        "coverage": {name: metrics[name] for name in COVERAGE if name in metrics},
        "calibration": manifest.get("calibration"),
        "run": run_of(folder),
    }


def _trained_at(folder: Path) -> str:
    written = dt.datetime.fromtimestamp((folder / MANIFEST).stat().st_mtime, dt.UTC)
    return written.strftime("%Y-%m-%dT%H:%M:%SZ")


def run_of(folder: Path) -> dict[str, Any] | None:
    """The run in which a bundle was tracked; ``None`` while there is none."""
    try:
        run = json.loads((folder / RUN).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return run if isinstance(run, dict) and run.get("run_id") else None
