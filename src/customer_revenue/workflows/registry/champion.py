"""The champion: which version is in use, how it is promoted and rolled back, and the record of every change.

The record, ``promotions.json`` in the folder of models, is written first, and then the link ``current``: the next
command finishes a change that was interrupted. MLflow is informed afterwards, see ``tracking_delivery.py``.
"""

from __future__ import annotations

import datetime as dt
import getpass
import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import filelock

from customer_revenue.errors import GateRefused, InvalidParameter, ModelBusy, ModelNotFound, NoEarlierChampion
from customer_revenue.modeling.manifest import read_manifest
from customer_revenue.settings import RegistryOptions
from customer_revenue.workflows.registry.bundles import GATE, current_version, make_current, read_gate

RECORD = "promotions.json"
PROMOTE, ROLLBACK = "promote", "rollback"
BY_ITSELF = "the service itself"
"""Who takes a promotion back that a running service finds to be bad."""
LOCK_SECONDS = 60


@dataclass(frozen=True)
class Change:
    """One change of the champion.

    Attributes:
        event: ``promote`` or ``rollback``.
        version: that became champion.
        before: that was champion until then.
        at: when, UTC, ISO 8601.
        by: who.
        why: in their words.
        run_id: of the run in MLflow; ``None`` until the change has been sent there.
    """

    event: str
    version: str
    before: str | None
    at: str
    by: str
    why: str
    run_id: str | None = None

    def text(self) -> str:
        """One line for people."""
        instead = f" instead of {self.before}" if self.before else ""
        return f"{self.version} answers{instead} since {self.at} ({self.event} by {self.by}: {self.why})"


def changes(models: Path) -> list[Change]:
    """Every change of the champion, the earliest first."""
    try:
        rows = json.loads((models / RECORD).read_text("utf-8"))
    except FileNotFoundError:
        return []
    return [Change(**row) for row in rows]


def promote(
    registry: RegistryOptions, version: str | None = None, why: str = "", *, by: str | None = None, force: bool = False
) -> Change | None:
    """Let a challenger answer from now on.

    Args:
        registry: models and tracking server.
        version: of the bundle; the one trained last by default.
        why: the reason, kept with the change.
        by: who; the user of this process by default.
        force: whatever the gate said; needs a reason.

    Returns:
        The change; ``None`` where this version answers already.

    Raises:
        ModelNotFound: there is no such bundle.
        GateRefused: the gate did not pass it, or has not compared it with the champion of now.
        InvalidParameter: forced without a reason.
    """
    if force and not why:
        raise InvalidParameter("--force needs --why: the reason is kept with the change")
    with locked(registry.models, "promotion"):
        settle(registry)
        chosen = version or newest_version(registry.models)
        read_manifest(registry.models / chosen)
        champion = current_version(registry.models)
        if chosen == champion:
            return None
        if not force:
            _refuse(registry.models, chosen, champion)
        return _change(registry, PROMOTE, chosen, champion, why or "passed the gate", by)


def rollback(registry: RegistryOptions, why: str, *, by: str | None = None) -> Change:
    """Let the champion before the present one answer again.

    Raises:
        NoEarlierChampion: there was none.
        ModelNotFound: its bundle is gone.
        InvalidParameter: no reason is given.
    """
    from customer_revenue.modeling import bundle  # not for the list of changes: it imports what predicts

    if not why:
        raise InvalidParameter("a rollback needs --why: the reason is kept with the change")
    with locked(registry.models, "promotion"):
        settle(registry)
        line = _champions(changes(registry.models))
        if len(line) < 2:
            raise NoEarlierChampion("no earlier champion is on record: nothing to roll back to")
        bundle.load(registry.models / line[-2])
        return _change(registry, ROLLBACK, line[-2], line[-1], why, by)


def revert(registry: RegistryOptions, version: str, why: str) -> Change | None:
    """Take the promotion of a version back, for a service that finds it to be bad.

    Returns:
        The change; ``None`` where the promotion is not the last change any more, or nothing answered before it.

    Raises:
        ModelBusy: another change is under way.
        ModelError: the champion of before cannot be used either.
        OSError: the record cannot be written.
    """
    from customer_revenue.modeling import bundle

    with locked(registry.models, "promotion"):
        record = changes(registry.models)
        line = _champions(record)
        if not record or (record[-1].event, record[-1].version) != (PROMOTE, version) or len(line) < 2:
            return None
        bundle.load(registry.models / line[-2])
        return _change(registry, ROLLBACK, line[-2], version, why, BY_ITSELF)


def reverted(models: Path) -> Change | None:
    """The last change, if a service made it by itself."""
    last = changes(models)[-1:]
    return last[0] if last and last[0].by == BY_ITSELF else None


def settle(registry: RegistryOptions) -> None:
    """Finish a change that was interrupted between the record and the link."""
    record = changes(registry.models)
    if record and record[-1].run_id is None and current_version(registry.models) != record[-1].version:
        make_current(registry.models, record[-1].version)


def note_sent(models: Path, place: int, run_id: str) -> None:
    """Note the run in MLflow of the change at a place of the record."""
    with locked(models, "promotion"):
        record = changes(models)
        record[place] = replace(record[place], run_id=run_id)
        _write(models, record)


def rolled_back(models: Path) -> Change | None:
    """The last change, if it was a rollback: what a person took back, no schedule brings again."""
    record = changes(models)
    return record[-1] if record and record[-1].event == ROLLBACK else None


def live_since(folder: Path) -> str | None:
    """When the bundle in a folder became champion; ``None`` where that is not on record or another one is."""
    last = changes(folder.parent)[-1:]
    return last[0].at if last and last[0].version == folder.name else None


def newest_version(models: Path) -> str:
    """The version that the gate judged last.

    Raises:
        ModelNotFound: there is none.
    """
    found = [(path.stat().st_mtime_ns, path.parent.name) for path in models.glob(f"[!.]*/{GATE}")]
    trained = [(when, name) for when, name in found if not (models / name).is_symlink()]
    if not trained:
        raise ModelNotFound(f"no model in {models}; `customer-revenue train` makes one")
    return max(trained)[1]


@contextmanager
def locked(models: Path, what: str, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold one of the locks of the folder of models.

    Raises:
        ModelBusy: another process holds it for longer than that.
    """
    models.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(models / f".{what}.lock", timeout=seconds)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise ModelBusy(f"another {what} is under way in {models}: try again when it is done") from None
    try:
        yield
    finally:
        lock.release()


def _refuse(models: Path, version: str, champion: str | None) -> None:
    verdict = read_gate(models / version)
    if verdict is None:
        raise GateRefused(f"{version} has not been through the gate; --force --why REASON promotes it all the same")
    if not verdict.passed:
        raise GateRefused(f"the gate refused {version}", verdict.refusals)
    if verdict.champion != champion:
        raise GateRefused(
            f"{version} was compared with {verdict.champion or 'no champion'}, and now {champion} answers: train again"
        )


def _champions(record: Sequence[Change]) -> list[str]:
    """The champions that rolling back goes through, the present one last."""
    line: list[str] = []
    for change in record:
        if change.event == ROLLBACK:
            line.pop()
        else:
            line.append(change.version)
    return line


def _change(
    registry: RegistryOptions, event: str, version: str, before: str | None, why: str, by: str | None
) -> Change:
    at = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    record = changes(registry.models)
    if not record and before is not None:  # a champion from before there was a record
        record = [Change(PROMOTE, before, None, at, "unknown", "answered before", "none")]
    change = Change(event, version, before, at, by or getpass.getuser(), why)
    _write(registry.models, [*record, change])
    make_current(registry.models, version)
    return change


def _write(models: Path, record: Sequence[Change]) -> None:
    draft = models / f".{RECORD}.{uuid.uuid4().hex}"
    draft.write_text(json.dumps([asdict(change) for change in record], indent=1), "utf-8")
    draft.replace(models / RECORD)
