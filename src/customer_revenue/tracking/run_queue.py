"""Runs that wait to be sent to MLflow: a folder each, next to the bundles, written whole or not at all."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

QUEUE = "tracking-queue"
DOCUMENT = "run.json"


@dataclass(frozen=True)
class QueuedRun:
    """A run that waits.

    Attributes:
        folder: that holds it.
        kind: ``train``, ``backtest`` or ``monitor``.
        document: what is to be logged, as JSON has it.
    """

    folder: Path
    kind: str
    document: dict[str, Any]

    def files(self, part: str) -> dict[str, bytes]:
        """The files of one part, by name."""
        return {path.name: path.read_bytes() for path in sorted((self.folder / part).glob("*"))}

    def remove(self) -> None:
        """Forget it: it is sent."""
        shutil.rmtree(self.folder, ignore_errors=True)


def enqueue(models: Path, kind: str, document: Mapping[str, object], files: Mapping[str, bytes] | None = None) -> None:
    """Keep a run until it is sent.

    Args:
        models: the folder of bundles.
        kind: ``train``, ``backtest`` or ``monitor``.
        document: what is to be logged; what JSON does not know is written as text.
        files: by ``part/name``.
    """
    queue = models / QUEUE
    name = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:8]}"
    draft = queue / f".{name}"
    draft.mkdir(parents=True)
    for path, content in (files or {}).items():
        (draft / path).parent.mkdir(exist_ok=True)
        (draft / path).write_bytes(content)
    (draft / DOCUMENT).write_text(json.dumps({"kind": kind, **document}, default=str), "utf-8")
    draft.replace(queue / name)


def queued(models: Path) -> list[QueuedRun]:
    """The runs that wait, the earliest first; one that cannot be read is left out."""
    found = []
    for path in sorted((models / QUEUE).glob(f"[!.]*/{DOCUMENT}")):
        try:
            document = json.loads(path.read_text("utf-8"))
            found.append(QueuedRun(path.parent, document.pop("kind"), document))
        except (OSError, ValueError, KeyError, AttributeError):
            continue
    return found
