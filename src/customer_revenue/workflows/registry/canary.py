"""The trial of a model before a service takes it up: a child process loads it and predicts for real customers.

What is wrong with a bundle may end the process that reads it. One trial serves all workers and restarts: its verdict is
kept next to the bundles, under the checksum of the manifest, which holds those of all files.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import filelock
import pyarrow as pa

from customer_revenue import __version__
from customer_revenue.errors import BundleDamaged, NotEnoughData
from customer_revenue.modeling.bundle import checked_texts
from customer_revenue.modeling.manifest import MANIFEST
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf
from customer_revenue.workflows.feature_rows import feature_rows
from customer_revenue.workflows.registry.bundles import LoadedModel

TRIALS = "trials"
"""In the folder of models: the verdicts."""
TRIAL_ROWS = 300
TRIAL_SECONDS = 60.0
RETRY_TIMEOUT_SECONDS = 600.0
"""How long the verdict holds that a trial took too long, which may be the machine's fault."""
CHILD = "customer_revenue.workflows.registry.canary_child"


def check_trial(model: LoadedModel, models: Path, store: Store | None, when: AsOf | None = None) -> None:
    """Let a child process try a model, unless that has been done.

    Args:
        model: that is to be taken up.
        models: the folder of bundles, for the verdict.
        store: has the customers to predict for; ``None`` while it is away, and then the model is only loaded.
        when: as of which to predict; by default the store's moment.

    Raises:
        BundleDamaged, BundleIncompatible: it cannot be loaded or used, or ends the process; the message names it.
    """
    checked_texts(model.folder)  # what is truncated or altered needs no trial
    checksum = hashlib.sha256((model.folder / MANIFEST).read_bytes()).hexdigest()[:32]
    verdict = models / TRIALS / f"{checksum}-{__version__}{'' if store else '-loaded'}.json"
    with _one_at_a_time(verdict):
        problem = _known(verdict)
        if problem is None:
            problem, lasting = _tried(model.folder, _rows(store, when, model.covariates) if store else pa.table({}))
            _keep(verdict, problem, lasting=lasting)
    if problem:
        raise BundleDamaged(f"the model {model.version} failed its trial: {problem}")


def _rows(store: Store, when: AsOf | None, covariates: Sequence[str]) -> pa.Table:
    try:
        return feature_rows(store, when or store.as_of(), TRIAL_ROWS, covariates)
    except NotEnoughData:
        return pa.table({})


def _tried(folder: Path, rows: pa.Table) -> tuple[str, bool]:
    """What is wrong with a bundle, empty if nothing is, and whether that would be so again."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows)
    try:
        ended = subprocess.run(  # noqa: S603  # our own arguments
            [sys.executable, "-m", CHILD, str(folder.absolute())],
            input=sink.getvalue().to_pybytes(),
            capture_output=True,
            timeout=TRIAL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it took more than {TRIAL_SECONDS:.0f} s", False
    try:
        return str(json.loads(ended.stdout.decode().strip().splitlines()[-1])["problem"]), True
    except (ValueError, LookupError, TypeError):
        last = ended.stderr.decode(errors="replace").strip().splitlines()[-1:]
        return f"it ended the process ({_how(ended.returncode)}): {' '.join(last)[:200]}", True


def _how(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"


def _known(verdict: Path) -> str | None:
    """The problem that an earlier trial found, empty if it found none; ``None`` where there was no trial."""
    try:
        kept = json.loads(verdict.read_text("utf-8"))
        too_old = not kept["lasting"] and time.time() - verdict.stat().st_mtime > RETRY_TIMEOUT_SECONDS
        return None if too_old else str(kept["problem"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _keep(verdict: Path, problem: str, *, lasting: bool) -> None:
    draft = verdict.with_name(f".{uuid.uuid4().hex}")
    with contextlib.suppress(OSError):  # in a folder that may only be read, each worker tries for itself
        draft.write_text(json.dumps({"problem": problem, "lasting": lasting}), "utf-8")
        draft.replace(verdict)


def _one_at_a_time(verdict: Path) -> contextlib.AbstractContextManager[object]:
    try:
        verdict.parent.mkdir(parents=True, exist_ok=True)
        return filelock.FileLock(verdict.with_suffix(".lock"), timeout=2 * TRIAL_SECONDS).acquire()
    except (OSError, filelock.Timeout):
        return contextlib.nullcontext()
