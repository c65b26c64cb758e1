"""Scheduled retraining: import new files, check, train, judge, promote or keep the champion, report.

Every step may be interrupted: imports and promotions are atomic, and the next run continues from there.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from customer_revenue import tracking
from customer_revenue.console import Report
from customer_revenue.errors import GateRefused, InvalidParameter, ModelNotFound, StoreNotFound
from customer_revenue.modeling.manifest import MANIFEST, read_manifest
from customer_revenue.orders.imports.import_files import ImportSummary
from customer_revenue.orders.store import open_store
from customer_revenue.periods import Clock
from customer_revenue.settings import RegistryOptions, Settings
from customer_revenue.workflows.evaluation.challenge import recipe_of
from customer_revenue.workflows.import_orders import import_orders
from customer_revenue.workflows.monitoring.checks import Monitored
from customer_revenue.workflows.monitoring.monitor import monitor
from customer_revenue.workflows.registry.bundles import current_version, read_gate
from customer_revenue.workflows.registry.champion import Change, locked, newest_version, promote, rolled_back, settle
from customer_revenue.workflows.registry.model_card import RUN
from customer_revenue.workflows.registry.tracking_delivery import deliver, if_reachable
from customer_revenue.workflows.training.result import TrainingResult
from customer_revenue.workflows.training.score import score
from customer_revenue.workflows.training.train import train

IMPORTED = "imported.json"
"""In the folder of models: the files that retraining has imported, by checksum, for each store."""


@dataclass(frozen=True)
class Retrained:
    """What one run did.

    Attributes:
        imported: what came in; ``None`` where no file was new.
        monitored: what was found before training.
        trained: the training; ``None`` where nothing was new, or the orders were not fit to learn from.
        change: of the champion, if there was one.
        champion: that answers now.
        refusals: why the challenger did not become champion, if so.
    """

    imported: ImportSummary | None
    monitored: Monitored
    trained: TrainingResult | None
    change: Change | None
    champion: str | None
    refusals: Sequence[str]

    def text(self) -> str:
        """Lines for people."""
        lines = [self.imported.render() if self.imported else "No new file", "", self.monitored.text(), ""]
        if self.trained is not None:
            lines.append(self.trained.text())
        elif not self.refusals:
            lines.append("Nothing new to learn from")
        else:
            lines += ["Not trained:", *(f"  {text}" for text in self.refusals)]
        return "\n".join([*lines, "", f"Champion: {self.champion or 'none'}"])

    def check(self) -> None:
        """Raise if there are alarms or refusals.

        Raises:
            GateRefused: the challenger did not become champion.
            AlarmRaised: monitoring found something wrong.
        """
        if self.refusals:
            raise GateRefused(f"the champion stays {self.champion or 'none'}", self.refusals)
        self.monitored.check()


def retrain(settings: Settings, files: Sequence[Path], as_of: dt.date | None, report: Report) -> Retrained:
    """Run everything that a shop runs on a schedule.

    Args:
        settings: store, models, tracker, log.
        files: to import, or folders whose files are; those imported before are left out.
        as_of: last day that training may know; the store's moment by default.
        report: receives progress messages.

    Raises:
        ModelBusy: another one is under way.
        InputError: a file cannot be used; nothing is changed.
        StoreError: the store cannot be read or written.
    """
    with locked(settings.models, "retraining", 0):
        _clean(settings.registry)
        imported = _import(settings, files, report)
        monitored = monitor(settings, as_of, None, report)
        odd = [finding.text for finding in monitored.feed if finding.alarm]
        trained, change = None, None
        refusals: Sequence[str] = odd
        if not odd or current_version(settings.models) is None:
            known = _already_evaluated(settings, as_of)
            if known is None:
                trained = train(settings, as_of, report)
                change, refusals = trained.change, _refusals(trained)
            else:
                change = _promote_pending(settings.registry, known)
        champion = current_version(settings.models)
        if champion is not None and settings.log is not None:
            score(settings, as_of, None, report)
        deliver(settings.registry)
    return Retrained(imported, monitored, trained, change, champion, refusals)


def _refusals(trained: TrainingResult) -> Sequence[str]:
    if trained.change is not None or trained.verdict is None:
        return ()
    return trained.verdict.refusals or (trained.held,)


def _already_evaluated(settings: Settings, as_of: dt.date | None) -> str | None:
    """The version that was trained on just what the store holds now, in just this way, and judged; if there is one."""
    try:
        version = newest_version(settings.models)
    except ModelNotFound:
        return None
    manifest = read_manifest(settings.models / version)
    with open_store(settings.store, settings.store_options) as store:
        when = store.as_of(as_of or settings.as_of)
        same_day = manifest["window_last_day"] == str(when.day) or when.clock is Clock.LIVE
        same_data = manifest["data_fingerprint"] == store.info.fingerprint
    same_way = manifest.get("recipe") == recipe_of(settings.fit_options)
    same_horizon = manifest["ltv_horizon_days"] == settings.ltv_horizon_days
    return version if same_day and same_data and same_way and same_horizon else None


def _promote_pending(registry: RegistryOptions, version: str) -> Change | None:
    """Promote a version that passed the gate in a run that was interrupted before it could be promoted."""
    verdict = read_gate(registry.models / version)
    ready = verdict is not None and verdict.passed and verdict.champion == current_version(registry.models)
    return promote(registry, version) if ready and rolled_back(registry.models) is None else None


def _import(settings: Settings, files: Sequence[Path], report: Report) -> ImportSummary | None:
    new = {checksum: path for path in _listed(files) if (checksum := _checksum(path)) not in _known(settings)}
    if not new:
        return None
    summary = import_orders(settings, list(new.values()), report=report)
    _note(settings, {checksum: path.name for checksum, path in new.items()})
    return summary


def _listed(files: Sequence[Path]) -> list[Path]:
    """Files as named, and those of folders by their names; hidden ones, which may still be coming, are left out."""
    listed = []
    for path in files:
        if not path.exists():
            raise InvalidParameter(f"there is no {path}")
        if path.is_dir():
            listed += sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith("."))
        else:
            listed.append(path)
    return listed


def _known(settings: Settings) -> Mapping[str, str]:
    """What was imported into this store; nothing, where there is another one or none."""
    try:
        with open_store(settings.store, settings.store_options) as store:
            shop = store.info.id
        record = json.loads((settings.models / IMPORTED).read_text("utf-8"))
    except (FileNotFoundError, StoreNotFound):
        return {}
    return record["files"] if record["store_id"] == shop else {}


def _note(settings: Settings, files: Mapping[str, str]) -> None:
    known = _known(settings)
    with open_store(settings.store, settings.store_options) as store:
        record = {"store_id": store.info.id, "files": {**known, **files}}
    draft = settings.models / f".{IMPORTED}.{uuid.uuid4().hex}"
    draft.write_text(json.dumps(record, indent=1), "utf-8")
    draft.replace(settings.models / IMPORTED)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _clean(registry: RegistryOptions) -> None:
    """Finish a change of the champion that was interrupted, and remove what an interrupted training left."""
    with locked(registry.models, "training", 0):
        settle(registry)
        if_reachable(registry, tracking.end_interrupted, "train")
        current = current_version(registry.models)
        for path in registry.models.iterdir():
            draft = path.name.startswith(".") and not path.name.endswith(".lock")
            unfinished = (path / MANIFEST).is_file() and not (path / RUN).is_file() and path.name != current
            if path.is_symlink() and draft:
                path.unlink()
            elif path.is_dir() and not path.is_symlink() and (draft or unfinished):
                shutil.rmtree(path)
            elif path.is_file() and draft:
                path.unlink()
