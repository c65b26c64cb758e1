"""Restore a backup; whoever was forgotten since it was made is forgotten in it before anything is put in place."""

# ruff: noqa: S608  # the names of tables are those of the file itself

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path

import pyarrow.parquet as pq

from customer_revenue.console import Report
from customer_revenue.errors import CustomerNotFound, InvalidParameter, KeysUnavailable
from customer_revenue.keys import KeyFile
from customer_revenue.orders.engines.urls import DUCKDB_PREFIX
from customer_revenue.orders.forgotten_customers import keyed_hash
from customer_revenue.orders.imports.remove_personal_data import forget as forget_in_store
from customer_revenue.orders.stored_tables import (
    forgotten_hashes,
    ids_with_hashes,
    read_tables,
    store_exists,
    write_tables,
)
from customer_revenue.settings import Settings
from customer_revenue.workflows.backups.archive import BackupContents, unpack_backup
from customer_revenue.workflows.backups.make_backup import (
    CAMPAIGN_FILE,
    CAMPAIGNS,
    KEY_FILE,
    KEYS,
    LEARNED_FILE,
    LOG,
    MODELS,
    STORE,
)
from customer_revenue.workflows.campaigns.campaign_file import CampaignFile
from customer_revenue.workflows.customer_base.kept_snapshots import KeptSnapshots
from customer_revenue.workflows.forgotten_file import ForgottenFile
from customer_revenue.workflows.import_orders import views
from customer_revenue.workflows.monitoring.prediction_log import forget_in_log


def restore_backup(settings: Settings, path: Path, report: Report, *, replace: bool = False) -> str:
    """Put the contents of a backup where the settings say, and say what was restored.

    A key file that is there is kept, since it knows which keys were revoked after the backup.

    Args:
        settings: the places, and the key under which people were forgotten.
        path: of the backup.
        report: of the steps.
        replace: replace what is there.

    Raises:
        UnreadableFile: the backup, or the file of who was forgotten, is damaged.
        InvalidParameter: something is there already, or people were forgotten under another key than the settings'.
        StoreError: the store cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="customer-revenue-restore-") as scratch:
        folder = Path(scratch)
        report("checksums")
        contents = unpack_backup(path, folder)
        parts = _parts(contents)
        if LOG in parts and settings.log is None:
            raise InvalidParameter("the backup has a prediction log: set CUSTOMER_REVENUE_LOG to where it belongs")
        there = [what for what in parts if _is_there(settings, what)]
        if there and not replace:
            raise InvalidParameter(f"there is something already: {', '.join(there)}; --replace replaces it")
        report("whom to forget")
        hashes = _hashes(settings)
        forgotten = _forget_again(settings, folder, parts, hashes)
        report("putting it in place")
        kept = _put_in_place(settings, folder, contents, parts)
    lines = [
        f"Restored {', '.join(part for part in parts if part not in kept)} of {contents.made_at:%Y-%m-%d %H:%M} UTC"
    ]
    if kept:
        lines.append(f"Kept the present {', '.join(kept)}")
    known = f"{len(forgotten):,} ids that were forgotten are forgotten in it too."
    unknown = f"There is no {settings.forgotten}: whoever was forgotten after the backup may be in it again."
    return "\n".join([*lines, known if hashes else unknown])


def _parts(contents: BackupContents) -> list[str]:
    return [part for part in (STORE, MODELS, KEYS, LOG, CAMPAIGNS) if contents.part(part)]


def _is_there(settings: Settings, part: str) -> bool:
    match part:
        case "store":
            return store_exists(settings.store)
        case "models":
            return any(_visible_entries(settings.models))
        case "log":
            return settings.log is not None and any(_visible_entries(settings.log))
        case "keys":
            return settings.keys.exists()
        case _:
            return settings.campaigns.exists()


def _hashes(settings: Settings) -> dict[str, bool]:
    """Everyone who is known to be forgotten: by the file next to the store, and by the store that is replaced."""
    known = ForgottenFile(settings.forgotten)
    if store_exists(settings.store):
        known.add_hashes(forgotten_hashes(settings.store))
    return known.hashes()


def _forget_again(settings: Settings, folder: Path, parts: list[str], hashes: Mapping[str, bool]) -> list[str]:
    """Make a store of the tables in the unpacked backup, and forget people in all of it; returns their ids there."""
    key = settings.forget_key.get_secret_value()
    if hashes and keyed_hash(key, "") not in hashes:
        raise InvalidParameter("people were forgotten: set CUSTOMER_REVENUE_FORGET_KEY to the key of then")
    url = _unpacked_store(folder)
    found: dict[str, bool] = {}
    if STORE in parts:
        read_tables(folder / STORE, url, views(settings))
        found |= ids_with_hashes(url, key, dict(hashes))
    for own_id, orders_too in found.items():
        with suppress(CustomerNotFound):  # merged into one who has been forgotten already
            forget_in_store(own_id, url, key, orders=orders_too, views=views(settings))
    found |= {name: True for name in _ids_elsewhere(folder, parts) if hashes.get(keyed_hash(key, name))}
    for own_id, orders_too in found.items():
        if orders_too and LOG in parts:
            forget_in_log(folder / LOG, own_id)
        if orders_too and CAMPAIGNS in parts:
            CampaignFile(folder / CAMPAIGN_FILE).forget_customer(own_id)
    return list(found)


def _ids_elsewhere(folder: Path, parts: list[str]) -> set[str]:
    """The customers in the prediction log and the campaigns of the unpacked backup."""
    ids: set[str] = set()
    if LOG in parts:
        for path in (folder / LOG).rglob("*.parquet"):
            ids.update(pq.read_table(path, columns=["customer_id"], partitioning=None).column(0).unique().to_pylist())
    if CAMPAIGNS in parts:
        ids.update(_ids_in_campaigns(folder / CAMPAIGN_FILE))
    return ids


def _ids_in_campaigns(path: Path) -> Iterator[str]:
    """The customers in any table of the file of campaigns."""
    with closing(sqlite3.connect(path)) as con:
        found = con.execute(
            "SELECT m.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c"
            " WHERE m.type = 'table' AND c.name = 'customer_id'"
        ).fetchall()
        for (table,) in found:
            yield from (own_id for (own_id,) in con.execute(f'SELECT DISTINCT customer_id FROM "{table}"'))


def _put_in_place(settings: Settings, folder: Path, contents: BackupContents, parts: list[str]) -> list[str]:
    """Move the parts to their places; returns those that were left as they were."""
    if STORE in parts:
        write_tables(_unpacked_store(folder), folder / STORE)
        read_tables(folder / STORE, settings.store, views(settings))
        KeptSnapshots(settings.snapshots).discard()  # of the store that was there
    if CAMPAIGNS in parts:
        _replace_file(folder / CAMPAIGN_FILE, settings.campaigns)
        if (folder / LEARNED_FILE).exists():
            _replace_file(folder / LEARNED_FILE, settings.learned_effects)
    if LOG in parts and settings.log is not None:
        _replace_entries(folder / LOG, settings.log)
    if MODELS in parts:
        for name, target in contents.links.items():
            link = folder.joinpath(*name.split("/"))
            link.symlink_to(Path(target).name, target_is_directory=True)
        _replace_entries(folder / MODELS, settings.models)
    if KEYS in parts:
        if _has_keys(settings.keys):
            return [KEYS]
        _replace_file(folder / KEY_FILE, settings.keys)
        settings.keys.with_name(f"{settings.keys.name}.required").touch(mode=0o600)
    return []


def _has_keys(path: Path) -> bool:
    try:
        KeyFile(path).all()
    except KeysUnavailable:
        return False
    return path.exists()


def _unpacked_store(folder: Path) -> str:
    return f"{DUCKDB_PREFIX}{folder / 'unpacked.duckdb'}"


def _replace_file(source: Path, target: Path) -> None:
    """A file instead of another, atomically, whatever file systems they are on."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.restored")
    shutil.copyfile(source, draft)
    draft.chmod(0o600)
    draft.replace(target)


def _replace_entries(source: Path, target: Path) -> None:
    """The entries of a folder instead of those of another, the link to the champion last; hidden ones stay."""
    target.mkdir(parents=True, exist_ok=True)
    old = Path(tempfile.mkdtemp(prefix=".replaced-", dir=target))
    for path in list(_visible_entries(target)):
        path.rename(old / path.name)
    for path in sorted(_visible_entries(source), key=lambda path: (path.is_symlink(), path.name)):
        shutil.move(path, target / path.name)
    shutil.rmtree(old)


def _visible_entries(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if not path.name.startswith("."))
