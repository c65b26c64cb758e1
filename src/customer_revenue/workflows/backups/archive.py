"""The file of a backup: a ZIP archive whose last member, ``backup.json``, has the checksum of every other one."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from customer_revenue.errors import UnreadableFile

CONTENTS = "backup.json"
ARCHIVE_VERSION = 1
_BLOCK = 1 << 20


class BackupContents(BaseModel):
    """What a backup holds."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True)

    version: int
    made_at: dt.datetime
    package: str
    """Version of the package that made it."""
    store: str
    """URL of the store, without a password; empty where the backup holds no store."""
    files: dict[str, str]
    """The SHA-256 of each member, by its name, which begins with the part that it belongs to."""
    links: dict[str, str] = {}
    """Links to a folder next to them, by name, such as that to the champion."""

    def part(self, name: str) -> list[str]:
        """The members of a part, such as ``models``."""
        return [member for member in self.files if member.startswith(f"{name}/")]


class BackupWriter:
    """Adds files to a backup and notes their checksums."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.files: dict[str, str] = {}
        self.links: dict[str, str] = {}

    def add(self, path: Path, name: str) -> bool:
        """Copy a file; ``False`` if it is not there any more."""
        try:
            source = path.open("rb")
        except FileNotFoundError:
            return False
        digest = hashlib.sha256()
        with source, self._archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
            while block := source.read(_BLOCK):
                digest.update(block)
                member.write(block)
        self.files[name] = digest.hexdigest()
        return True

    def finish(self, contents: BackupContents) -> None:
        """Write what the backup holds, last."""
        self._archive.writestr(zipfile.ZipInfo(CONTENTS), contents.model_dump_json(indent=1))


@contextmanager
def writing(path: Path) -> Iterator[BackupWriter]:
    """A new backup, which replaces the file at a path once it is whole. Its owner alone may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}")
    try:
        with draft.open("xb") as file:
            os.fchmod(file.fileno(), 0o600)
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
                yield BackupWriter(archive)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def unpack_backup(path: Path, folder: Path) -> BackupContents:
    """Extract a backup to an empty folder and verify the checksum of each file.

    Raises:
        UnreadableFile: there is no such file, it is not a backup, or it is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            contents = BackupContents.model_validate_json(archive.read(CONTENTS))
            if contents.version > ARCHIVE_VERSION:
                raise UnreadableFile(f"{path} was made by customer-revenue {contents.package}: upgrade the package")
            for name, expected in contents.files.items():
                if _extracted(archive, name, folder) != expected:
                    raise UnreadableFile(f"{path} is damaged: {name} is not as it was written")
    except FileNotFoundError:
        raise UnreadableFile(f"{path} does not exist") from None
    except KeyError as error:
        missing = str(error.args[0])
        known = CONTENTS not in missing
        raise UnreadableFile(f"{path} is {'damaged: ' if known else 'not a backup: '}{missing}") from None
    except (zipfile.BadZipFile, zlib.error, ValidationError, EOFError, NotImplementedError, ValueError) as error:
        why = "its list of contents cannot be read" if isinstance(error, ValidationError) else str(error)
        raise UnreadableFile(f"{path} is damaged or not a backup: {why}") from None
    return contents


def _extracted(archive: zipfile.ZipFile, name: str, folder: Path) -> str:
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or name.startswith("/"):
        raise zipfile.BadZipFile(f"a member would leave the folder: {name[:80]}")
    target = folder.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with archive.open(name) as member, target.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        while block := member.read(_BLOCK):
            digest.update(block)
            file.write(block)
    return digest.hexdigest()
