"""What is made once for all workers of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first worker to ask for it fills; the others wait until it is full. Not to be changed.

    Args:
        factory: pytest's, whose base is the run's, or the worker's within it.
        name: of the folder.
        make: fills the folder, which is empty.
    """
    base = factory.getbasetemp()
    if base.name.startswith("popen-"):  # a worker's own; the run's is above it
        base = base.parent
    folder, full = base / name, base / f"{name}.full"
    with FileLock(base / f"{name}.lock"):
        if not full.exists():
            folder.mkdir()
            make(folder)
            full.touch()
    return folder
