"""The terms of decisions between commands, in the user's cache folder: finding them needs the whole customer base."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import platformdirs

from customer_revenue.actions.terms import Terms
from customer_revenue.orders.engines.statement_cache import stamp_of_what_runs

MAX_FILES = 200
"""The oldest give way to further ones."""


class KeptTerms:
    """Terms by what they follow from: the store's content, the model, the policy and the day.

    Args:
        root: folder of the files, which need not exist; by default in the user's cache.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._root = root or platformdirs.user_cache_path("customer-revenue") / "decision-terms"

    def get(self, key: tuple[str, ...], find: Callable[[], Terms]) -> Terms:
        """Return terms, found unless they are known. A folder that cannot be used is as good as none."""
        stamp = stamp_of_what_runs()
        if stamp is None:
            return find()
        whole = json.dumps([stamp, *key])
        path = self._root / f"{hashlib.sha256(whole.encode()).hexdigest()}.json"
        found = _read(path, whole)
        if found is None:
            found = find()
            _write(path, whole, found)
        return found


def _read(path: Path, key: str) -> Terms | None:
    """The terms in a file, if there is one that this user wrote for the key."""
    try:
        with path.open("rb") as file:
            if hasattr(os, "getuid") and os.fstat(file.fileno()).st_uid != os.getuid():
                return None
            document = json.load(file)
        if document["key"] != key:
            return None
        margin, scale, basis = document["margin"], document["scale"], document["margin_basis"]
        return Terms(None if margin is None else float(margin), float(scale), str(basis))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, key: str, terms: Terms) -> None:
    """Write terms to a file, atomically, if that is possible; the oldest give way."""
    draft = path.with_name(f".{uuid.uuid4().hex}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for old in sorted(path.parent.glob("*.json"), key=lambda file: file.stat().st_mtime)[: 1 - MAX_FILES]:
            old.unlink()
        draft.write_text(json.dumps({"key": key, **asdict(terms)}), "utf-8")
        draft.replace(path)
        return
    with suppress(OSError):
        draft.unlink()
