"""The policy file, changed by the service: checked as every policy is, the file before it kept, and taken back."""

from __future__ import annotations

import datetime as dt
import os
import re
import uuid
from pathlib import Path

from filelock import FileLock

from customer_revenue.errors import InvalidParameter, InvalidPolicy, SettingsNotSaved
from customer_revenue.policy import Policy, load_policy, read_learned
from customer_revenue.policy.edited_text import with_values
from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.campaigns.what_if import Trial

KEPT_AS = "%Y%m%dT%H%M%S.%fZ"
KEPT_NAME = re.compile(r"\.(\d{8}T\d{6}\.\d{6}Z)$")
UNDONE = ".undone"
SHOWN = {"campaign", "action", "measured_points", "measured_spread", "started_on", "measured_on", "learned_on"}
"""Of a learned effect."""


class SavedPolicy:
    """The policy file of a shop.

    Args:
        path: of the file, which need not be there; ``None`` where the settings name none.
        learned: file of the learned effects.
    """

    def __init__(self, path: Path | None, learned: Path) -> None:
        self._path, self._learned = path, learned

    def state(self) -> Body:
        """Whether it can be written, the files that are kept, newest first, and the effects that were learned."""
        return {
            "file": self._path.name if self._path else None,
            "can_be_saved": self._why_not() is None,
            "why_not": self._why_not(),
            "kept": [{"file": kept.name, "kept_at": at} for at, kept in self._kept()],
            "learned": [one.model_dump(mode="json", include=SHOWN) for one in read_learned(self._learned)],
        }

    def save(self, trial: Trial) -> Body:
        """Write other values into the file, and keep the file as it was next to it, with the time in its name.

        Raises:
            InvalidParameter: no value is given, or the policy would break a rule.
            SettingsNotSaved: the file cannot be written, or not by a program.
        """
        path = self._writable()
        with self._lock(path):
            policy = load_policy(path if path.exists() else None)
            trial.policy(policy)
            values = trial.values(policy)
            if not values:
                raise InvalidParameter("settings: name at least one value to save")
            text = path.read_text("utf-8") if path.exists() else ""
            try:
                edited = with_values(text, values, _ladder(policy, trial))
            except ValueError as error:
                raise SettingsNotSaved(f"{path.name} is not changed by a program: {error}") from None
            kept = self._replace(path, text, edited)
        changed = [{"name": ".".join(map(str, place)), "value": value} for place, value in values.items()]
        return {"changed": changed, "kept": kept.name}

    def take_back(self) -> Body:
        """Put the file that was kept last in its place again; the present one is kept as undone.

        Raises:
            SettingsNotSaved: nothing is kept, or the file cannot be written.
            InvalidPolicy: the kept file breaks a rule.
        """
        path = self._writable()
        with self._lock(path):
            kept = self._kept()
            if not kept:
                raise SettingsNotSaved("no earlier policy file is kept: nothing was saved from here, or all is undone")
            _, newest = kept[0]
            present = path.read_text("utf-8") if path.exists() else ""
            undone = self._replace(path, present, newest.read_text("utf-8"))
            undone.rename(undone.with_name(undone.name + UNDONE))
            newest.unlink()
        return {"changed": [], "kept": newest.name}

    def _replace(self, path: Path, before: str, after: str) -> Path:
        """Write the file in one step, once the same parser as everywhere has read what is to be written."""
        kept = path.with_name(f"{path.name}.{dt.datetime.now(dt.UTC).strftime(KEPT_AS)}")
        draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            draft.write_text(after, "utf-8")
            try:
                load_policy(draft, self._learned)
            except InvalidPolicy as error:
                raise InvalidParameter(f"policy: {error.message.replace(str(draft), path.name)}") from None
            if path.exists():
                draft.chmod(path.stat().st_mode & 0o777)
            kept.write_text(before, "utf-8")
            with draft.open("rb+") as file:
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            raise _refused(path, error) from None
        finally:
            draft.unlink(missing_ok=True)
        return kept

    def _kept(self) -> list[tuple[str, Path]]:
        if self._path is None:
            return []
        found = [
            (dt.datetime.strptime(match[1], KEPT_AS).replace(tzinfo=dt.UTC).isoformat(timespec="seconds"), kept)
            for kept in self._path.parent.glob(f"{self._path.name}.*Z")
            if (match := KEPT_NAME.search(kept.name))
        ]
        return sorted(found, key=lambda one: one[1].name, reverse=True)

    def _why_not(self) -> str | None:
        if self._path is None:
            return "no policy file is named in the setting policy"
        folder = self._path.parent
        while not folder.exists():
            folder = folder.parent
        if self._path.is_symlink():
            return f"{self._path.name} is a link: change the file that it leads to"
        if not os.access(folder, os.W_OK | os.X_OK):
            return f"the folder of {self._path.name} is read-only for the service: change the file where it comes from"
        return None

    def _writable(self) -> Path:
        reason = self._why_not()
        if self._path is None or reason is not None:
            raise SettingsNotSaved(reason or "")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _refused(self._path, error) from None
        return self._path

    @staticmethod
    def _lock(path: Path) -> FileLock:
        return FileLock(path.with_name(f".{path.name}.lock"))


def _refused(path: Path, error: OSError) -> SettingsNotSaved:
    return SettingsNotSaved(f"{path.name} cannot be written here ({error.strerror}): change it where it comes from")


def _ladder(policy: Policy, trial: Trial) -> dict[tuple[str | int, ...], list[dict[str, object]]]:
    """The ladder in use, which a file has to state whole, if a step of it is to change."""
    if not trial.thresholds:
        return {}
    rungs = [rung.model_dump(exclude_none=True) for rung in policy.segments.active]
    return {("segments", "ladders", policy.segments.ladder): rungs}
