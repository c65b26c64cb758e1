"""The snapshot of all customers that processes share: what it follows from, how it is written, and how it is opened."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import subprocess
import sys
from pathlib import Path

from customer_revenue import __version__
from customer_revenue.actions.terms import Terms
from customer_revenue.errors import ModelError, StoreError
from customer_revenue.modeling.manifest import MANIFEST
from customer_revenue.orders.engines.statement_cache import stamp_of_what_runs
from customer_revenue.orders.store import Store, StoreInfo
from customer_revenue.policy import Policy
from customer_revenue.settings import Settings, StoreOptions
from customer_revenue.workflows.customer_base.analytics import CustomerBase
from customer_revenue.workflows.customer_base.kept_snapshots import KeptSnapshots
from customer_revenue.workflows.customer_base.snapshot_file import KeptSnapshot, read_snapshot, write_snapshot
from customer_revenue.workflows.registry.bundles import LoadedModel

logger = logging.getLogger(__name__)

SNAPSHOT_CHILD = "customer_revenue.workflows.customers.snapshot_child"
MAKING_SECONDS = 3600.0


def snapshots_of(settings: Settings) -> KeptSnapshots:
    """The folder of snapshots that the settings name."""
    return KeptSnapshots(settings.snapshots)


def snapshot_key(info: StoreInfo, day: dt.date, model: LoadedModel | None, policy: Policy) -> str:
    """What a snapshot follows from: this package, the store's content, the day, the model and the policy."""
    manifest = model.folder / MANIFEST if model else None
    parts = [
        *(__version__, stamp_of_what_runs() or ""),
        *(info.url, info.id, info.fingerprint, info.timezone, info.currency, day.isoformat()),
        hashlib.sha256(manifest.read_bytes()).hexdigest() if manifest and manifest.is_file() else "",
        policy.model_dump_json(),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def write_shared(base: CustomerBase, folder: Path) -> None:
    """Write the snapshot of a customer base into an empty folder.

    Raises:
        NotEnoughData: there is no customer.
        OSError: it cannot be written.
    """
    snapshot = base.snapshot()
    try:
        terms = base.decisions.terms
    except ModelError:
        terms = Terms()
    write_snapshot(KeptSnapshot(snapshot, terms), folder)


def make_snapshot_in_child(settings: Settings) -> None:
    """Make the snapshot of what the settings name now, in a process of its own.

    Making it takes several times the memory of its result, which a worker would not give back.

    Raises:
        StoreError: it could not be made.
    """
    given = settings.model_dump(
        mode="json", exclude_unset=True, exclude={"forget_key", "database_user", "database_password"}
    )
    try:
        ended = subprocess.run(  # noqa: S603  # our own arguments
            [sys.executable, "-m", SNAPSHOT_CHILD],
            input=json.dumps(given),
            text=True,
            capture_output=True,
            timeout=MAKING_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise StoreError(f"reading all customers took more than {MAKING_SECONDS:.0f} s") from None
    if ended.returncode != 0:
        last = ended.stderr.strip().splitlines()[-1:]
        raise StoreError(f"the process that reads all customers ended with {ended.returncode}: {' '.join(last)[:200]}")


def open_shared(folder: Path, store: Store, options: StoreOptions) -> tuple[KeptSnapshot, Store] | None:
    """The snapshot in a folder, and the store to ask about all customers; ``None`` where it has just been removed."""
    try:
        return read_snapshot(folder), store.kept_copy(options, folder)
    except (OSError, ValueError, LookupError, StoreError) as error:
        logger.warning("the snapshot of all customers cannot be used: %s", error)
        return None
