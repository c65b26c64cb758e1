"""The file of who was forgotten, as keyed hashes, and of what may hold them still: kept apart from the store.

A backup brings back what was in the store when it was made. This file says who was forgotten since, so that ``restore``
forgets them again, and which backups and exported files may still hold a person, so that ``forget`` can name them.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError

from customer_revenue.errors import UnreadableFile

logger = logging.getLogger(__name__)


class KnownBackup(BaseModel):
    """A backup that was begun: its file and when it was begun."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    path: Path
    made_at: dt.datetime

    def text(self) -> str:
        """One line for people."""
        return f"{self.path} of {self.made_at:%Y-%m-%d %H:%M} UTC"


class KnownExport(BaseModel):
    """A file of customers that a command wrote where it was asked to, and when."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    path: Path
    written_at: dt.datetime

    def text(self) -> str:
        """One line for people."""
        return f"{self.path} of {self.written_at:%Y-%m-%d %H:%M} UTC"


class _Contents(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    forgotten: dict[str, bool] = {}
    """Keyed hashes of ids, with whether the orders went too; that of the empty id says which key it was."""
    backups: list[KnownBackup] = []
    exports: list[KnownExport] = []


class ForgottenFile:
    """The file, which is made when something is first noted in it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._path

    def hashes(self) -> dict[str, bool]:
        """The keyed hashes of who was forgotten, with whether their orders went too.

        Raises:
            UnreadableFile: the file is damaged.
        """
        return self._read().forgotten

    def add_hashes(self, hashes: Mapping[str, bool]) -> None:
        """Note who was forgotten; whose orders went once stays noted so.

        Raises:
            UnreadableFile: the file is damaged.
        """
        with self._changing() as before:
            both = {**before.forgotten}
            for name, orders_too in hashes.items():
                both[name] = orders_too or both.get(name, False)
            self._write(before.model_copy(update={"forgotten": both}))

    def backups(self) -> list[KnownBackup]:
        """The backups whose files are still there.

        Raises:
            UnreadableFile: the file is damaged.
        """
        return [backup for backup in self._read().backups if backup.path.exists()]

    def add_backup(self, backup: KnownBackup) -> None:
        """Note a backup, and drop those whose files are gone.

        Raises:
            UnreadableFile: the file is damaged.
        """
        with self._changing() as before:
            there = [known for known in before.backups if known.path.exists() and known.path != backup.path]
            self._write(before.model_copy(update={"backups": [*there, backup]}))

    def exports(self) -> list[KnownExport]:
        """The exported files that are still there.

        Raises:
            UnreadableFile: the file is damaged.
        """
        return [export for export in self._read().exports if export.path.exists()]

    def add_export(self, path: Path) -> None:
        """Note a file of customers, and drop those that are gone. Where that cannot be noted, the log says so."""
        noted = KnownExport(path=path.absolute(), written_at=dt.datetime.now(dt.UTC))
        try:
            with self._changing() as before:
                there = [known for known in before.exports if known.path.exists() and known.path != noted.path]
                self._write(before.model_copy(update={"exports": [*there, noted]}))
        except (OSError, UnreadableFile) as error:
            logger.warning("`forget` will not name %s, which could not be noted: %s", noted.path.name, error)

    def _read(self) -> _Contents:
        try:
            return _Contents.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return _Contents()
        except (OSError, ValidationError):
            raise UnreadableFile(f"{self._path} is not a file of forgotten customers and backups") from None

    @contextmanager
    def _changing(self) -> Iterator[_Contents]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self._path}.lock"):
            yield self._read()

    def _write(self, contents: _Contents) -> None:
        draft = self._path.with_name(f".{self._path.name}.next")
        with draft.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(contents.model_dump_json(indent=1).encode())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
