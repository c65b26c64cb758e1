"""Make a backup while the service runs: the store, the models, the keys, the prediction log and the campaigns."""

from __future__ import annotations

import datetime as dt
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from customer_revenue import __version__
from customer_revenue.console import Report
from customer_revenue.errors import InvalidParameter
from customer_revenue.orders.engines.urls import without_password
from customer_revenue.orders.mapping import load_mapping
from customer_revenue.orders.stored_tables import forgotten_hashes, write_tables
from customer_revenue.settings import Settings
from customer_revenue.workflows.backups.archive import ARCHIVE_VERSION, BackupContents, BackupWriter, writing
from customer_revenue.workflows.forgotten_file import ForgottenFile, KnownBackup
from customer_revenue.workflows.registry.champion import locked

STORE, MODELS, KEYS, LOG, CAMPAIGNS = "store", "models", "keys", "log", "campaigns"
"""The parts of a backup: the first word of the names of its members."""

KEY_FILE, CAMPAIGN_FILE = f"{KEYS}/keys.json", f"{CAMPAIGNS}/campaigns.sqlite"

LEARNED_FILE = f"{CAMPAIGNS}/learned-effects.toml"

_SQLITE = b"SQLite format 3\x00"
_SQLITE_JOURNALS = ("-wal", "-shm", "-journal")


def back_up(settings: Settings, path: Path, report: Report) -> str:
    """Write a backup to a file, and say what it holds.

    Each part is as of one moment. What is being written meanwhile, such as the bundle of a training that is not done,
    is left out; so are a shop's own tables, which a mapping names.

    Raises:
        InvalidParameter: there is nothing to back up.
        StoreError: the store cannot be read.
        UnreadableFile: the file of who was forgotten is damaged.
    """
    began = dt.datetime.now(dt.UTC)
    forgotten = ForgottenFile(settings.forgotten)
    forgotten.add_backup(KnownBackup(path=path.absolute(), made_at=began))
    own_store = not load_mapping(settings.mapping).tables
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=_folder_for(path)) as scratch, writing(path) as backup:
        if own_store:
            report("store")
            _add_store(settings, Path(scratch), backup)
            forgotten.add_hashes(forgotten_hashes(settings.store))
        report("models")
        if settings.models.is_dir():
            with locked(settings.models, "promotion"):
                _add_folder(settings.models, MODELS, Path(scratch), backup)
        report("keys, prediction log and campaigns")
        backup.add(settings.keys, KEY_FILE)
        if settings.log is not None and settings.log.is_dir():
            _add_folder(settings.log, LOG, Path(scratch), backup)
        if settings.campaigns.exists():
            _add_file(settings.campaigns, CAMPAIGN_FILE, Path(scratch), backup)
            if settings.learned_effects.exists():
                backup.add(settings.learned_effects, LEARNED_FILE)
        if not backup.files:
            raise InvalidParameter("there is nothing to back up: no store, no models, no keys")
        contents = BackupContents(
            version=ARCHIVE_VERSION,
            made_at=began,
            package=__version__,
            store=without_password(settings.store) if own_store else "",
            files=backup.files,
            links=backup.links,
        )
        backup.finish(contents)
    lines = [f"{part:<10}{len(contents.part(part)):>8,} files" for part in (STORE, MODELS, KEYS, LOG, CAMPAIGNS)]
    left_out = [] if own_store else ["The shop's own tables are not in it: back them up with their database."]
    return "\n".join([f"Wrote {path}, {path.stat().st_size / 2**20:,.1f} MiB", *lines, *left_out])


def _folder_for(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.parent


def _add_store(settings: Settings, scratch: Path, backup: BackupWriter) -> None:
    for file in write_tables(settings.store, scratch):
        backup.add(file, f"{STORE}/{file.name}")
        file.unlink()


def _add_folder(folder: Path, part: str, scratch: Path, backup: BackupWriter) -> None:
    for path in _visible(folder):
        name = f"{part}/{path.relative_to(folder).as_posix()}"
        if path.is_symlink():
            backup.links[name] = path.readlink().name
        else:
            _add_file(path, name, scratch, backup)


def _add_file(path: Path, name: str, scratch: Path, backup: BackupWriter) -> None:
    """Add a file; one of SQLite's as its own backup copies it, which is consistent while others write."""
    try:
        with path.open("rb") as file:
            is_database = file.read(len(_SQLITE)) == _SQLITE
    except FileNotFoundError:
        return
    if not is_database:
        backup.add(path, name)
        return
    copy = scratch / "copy.sqlite"
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    backup.add(copy, name)
    copy.unlink()


def _visible(folder: Path) -> Iterator[Path]:
    """The files and links below a folder; names that begin with a dot are drafts and locks."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.endswith(_SQLITE_JOURNALS):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _visible(path)
        else:
            yield path
