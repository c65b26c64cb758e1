"""The folder of snapshots that workers share, and that a restart finds again: one for each state of store and model."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from customer_revenue.workflows.customer_base.snapshot_file import SNAPSHOT_CONTENTS

LOCK = ".lock"
OWNER_FILE, OWNER_FOLDER = 0o600, 0o700


class KeptSnapshots:
    """Snapshots by their key. Only the newest is kept; those who have mapped another one keep it until they let go.

    Args:
        root: the folder, which need not exist.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, key: str) -> Path | None:
        """The folder of a complete snapshot; ``None`` if there is none."""
        folder = self._root / key
        return folder if (folder / SNAPSHOT_CONTENTS).is_file() else None

    @contextmanager
    def building(self) -> Iterator[None]:
        """Hold the right to make a snapshot: of all workers, one makes it, and the others wait.

        Raises:
            OSError: the folder cannot be written.
        """
        self._root.mkdir(mode=OWNER_FOLDER, parents=True, exist_ok=True)
        with filelock.FileLock(self._root / LOCK):
            yield

    def make(self, key: str, write: Callable[[Path], None]) -> None:
        """Let a snapshot be written, which is there as a whole or not at all, and remove all others.

        Args:
            key: of the snapshot.
            write: writes it into an empty folder.

        Raises:
            OSError: it cannot be written.
        """
        self._root.mkdir(mode=OWNER_FOLDER, parents=True, exist_ok=True)
        draft = self._root / f".{uuid.uuid4().hex}"
        draft.mkdir(mode=OWNER_FOLDER)
        try:
            write(draft)
            for file in draft.iterdir():
                file.chmod(OWNER_FILE)
            shutil.rmtree(self._root / key, ignore_errors=True)
            draft.rename(self._root / key)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        self._remove_all_but(key)

    def discard(self) -> int:
        """Remove all of them, and return how many there were. A running service makes another one."""
        found = [folder for folder in self._folders() if not folder.name.startswith(".")]
        self._remove_all_but("")
        return len(found)

    def _remove_all_but(self, key: str) -> None:
        for folder in self._folders():
            if folder.name != key:
                shutil.rmtree(folder, ignore_errors=True)

    def _folders(self) -> list[Path]:
        with suppress(FileNotFoundError):
            return [folder for folder in self._root.iterdir() if folder.is_dir() and not folder.is_symlink()]
        return []
