"""What targets on the local file system share: a lock for one writer at a time, and a working folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import filelock

from customer_revenue.errors import StoreBusy, StoreError
from customer_revenue.orders.engines.base_target import Target


class LocalTarget(Target):
    """A store in a local file or folder; see ``Target``."""

    def __init__(self, store: Path, folder: Path) -> None:
        super().__init__(folder)
        self.store = store

    def remove_folder(self) -> None:
        """Remove the working folder, including one that an interrupted import left behind."""
        shutil.rmtree(self.folder, ignore_errors=True)


AnyLocalTarget = TypeVar("AnyLocalTarget", bound=LocalTarget)


@contextmanager
def lock_target(target: AnyLocalTarget, lock_file: Path) -> Iterator[AnyLocalTarget]:
    """Lock the store of a target and give it an empty working folder until the block ends.

    Raises:
        StoreBusy: another import holds the lock.
        StoreError: the folder of the lock cannot be written.
    """
    lock = filelock.FileLock(lock_file, timeout=0)
    try:
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        raise StoreBusy(f"another import is writing to {target.store}: try again when it is done") from None
    except OSError as error:
        raise StoreError(f"{lock_file.parent} cannot be written: {error.strerror}") from None
    try:
        target.remove_folder()
        target.folder.mkdir()
        yield target
    finally:
        target.remove_folder()
        lock.release()
