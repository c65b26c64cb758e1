"""The SQL of statements that were compiled before, in the user's cache folder.

Importing Ibis, building an expression and compiling it take longer than everything else that a command does. What they
make depends on the sources of this package, the versions of the libraries that compile, and the key of the statement.
Each combination of sources and libraries has a folder of its own, named by their hash, so that nothing old is used.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import duckdb
import platformdirs
import pyarrow as pa

from customer_revenue.orders.engines.base_engine import Statement

COMPILERS = ("ibis-framework", "sqlglot")
PACKAGE = Path(__file__).parents[2]
MAX_STATEMENTS = 500
"""Statements per folder; further ones are compiled each time."""

MAX_FOLDERS = 8
"""Folders that are kept: every change of a source, and every installation, has its own."""

_STARTED = time.time()
_SETTLED_SECONDS = 10
"""Sources that changed later than this long before this module was imported may not be those that run."""


class StatementCache:
    """Statements by their key.

    Args:
        root: folder of the folders, which need not exist; by default in the user's cache.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._root = root or platformdirs.user_cache_path("customer-revenue") / "statements"

    def get(self, key: str, compile_it: Callable[[], Statement]) -> Statement:
        """Return a statement, compiled unless it is known. A folder that cannot be used is as good as none."""
        stamp = _stamp()
        path = self._root / stamp / f"{hashlib.sha256(key.encode()).hexdigest()}.json"
        found = _read(path, key)
        if found is None:
            found = compile_it()
            if stamp == stamp_of_what_runs():
                _write(path, key, found)
        return found


def _read(path: Path, key: str) -> Statement | None:
    """The statement in a file, if there is one that this user wrote for the key."""
    try:
        with path.open("rb") as file:
            if hasattr(os, "getuid") and os.fstat(file.fileno()).st_uid != os.getuid():
                return None
            document = json.load(file)
        if document["key"] != key:
            return None
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(document["schema"])))
        return Statement(document["sql"], frozenset(document["names"]), schema)
    except (OSError, ValueError, KeyError, TypeError):  # Arrow's errors are among them
        return None


def _write(path: Path, key: str, statement: Statement) -> None:
    """Write a statement to a file, atomically, if that is possible and the folder is not full."""
    document = {
        "key": key,
        "sql": statement.sql,
        "names": sorted(statement.names),
        "schema": base64.b64encode(statement.schema.serialize()).decode(),
    }
    draft = path.with_name(f".{uuid.uuid4().hex}")
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _remove_old(path.parent.parent)
        if sum(1 for _ in path.parent.iterdir()) < MAX_STATEMENTS:
            draft.write_text(json.dumps(document), "utf-8")
            draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()


def _remove_old(root: Path) -> None:
    """Remove the folders of other sources or libraries, apart from the newest."""
    folders = sorted(root.iterdir(), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in folders[MAX_FOLDERS:]:
        shutil.rmtree(folder, ignore_errors=True)


@cache
def _stamp() -> str:
    """A hash of the sources and of the libraries that compile."""
    found = hashlib.sha256(f"{duckdb.__version__} {pa.__version__}".encode())
    for name in COMPILERS:  # the whole text, since parsing it for the version takes longer
        found.update((distribution(name).read_text("METADATA") or "").encode())
    for path in _sources():
        found.update(path.encode())
        found.update(Path(path).read_bytes())
    return found.hexdigest()


def stamp_of_what_runs() -> str | None:
    """A hash of the sources and of the libraries that compile; none where a source changed since its import."""
    changed = max(Path(path).stat().st_ctime for path in _sources())
    return _stamp() if changed < _STARTED - _SETTLED_SECONDS else None


def _sources() -> list[str]:
    """The paths of this package's modules."""
    folders = os.walk(PACKAGE)
    return sorted(f"{folder}/{name}" for folder, _, names in folders for name in names if name.endswith(".py"))
