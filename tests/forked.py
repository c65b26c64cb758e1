"""Commands in processes of their own, forked from one that has read all libraries, so that they start at once."""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

SECONDS = 240
LIBRARIES = [
    "customer_revenue.cli",
    "customer_revenue.tracking",
    "customer_revenue.workflows.customers.answers",
    "customer_revenue.workflows.import_orders",
    "customer_revenue.workflows.training.train",
    "mlflow.pyfunc",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
]
"""What commands read when they need it. None starts a thread of Python's, which no fork would take along."""


@cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *LIBRARIES])
    return context


def command(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[int, str, str]:
    """Run ``customer-revenue`` in a folder; its exit status, standard output and standard error.

    Raises:
        TimeoutError: it takes too long.
    """
    with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
        process = _context().Process(target=_run, args=(words, folder, dict(environment), out.name, err.name))
        process.start()
        process.join(SECONDS)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"{words} take more than {SECONDS} s")
        return process.exitcode, out.read().decode(), err.read().decode()


def started(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> ForkServerProcess:
    """``customer-revenue`` in a folder, begun and not waited for; what it says is dropped."""
    process = _context().Process(target=_run, args=(words, folder, dict(environment), os.devnull, os.devnull))
    process.start()
    return process


def _run(words: Sequence[str], folder: Path, environment: Mapping[str, str], out: str, err: str) -> None:
    """In the new process."""
    from customer_revenue.cli import main

    for file, descriptor in ((out, 1), (err, 2), (os.devnull, 0)):
        os.dup2(os.open(file, os.O_RDWR), descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["customer-revenue", *words]
    main()


def make_tracking_store(path: Path) -> None:
    """Write a store of MLflow without runs: its tables are made by hundreds of migrations.

    Raises:
        ChildProcessError: it could not be made.
    """
    process = _context().Process(target=_make_tracking_store, args=(path,))
    process.start()
    process.join()
    if process.exitcode:
        raise ChildProcessError(path)


def _make_tracking_store(path: Path) -> None:
    """In the new process."""
    from mlflow import MlflowClient

    MlflowClient(f"sqlite:///{path}", f"sqlite:///{path}").search_registered_models()


def import_process(path: Path, url: str) -> tuple[ForkServerProcess, Connection]:
    """A process that is ready to import a file into a store, and what it waits for: to receive anything."""
    here, there = _context().Pipe()
    process = _context().Process(target=_import, args=(path, url, there))
    process.start()
    there.close()
    here.recv()
    return process, here


def _import(path: Path, url: str, caller: Connection) -> None:
    """In the new process."""
    from customer_revenue.orders.imports.import_files import import_files
    from customer_revenue.settings import Settings

    options = Settings(_env_file=None).store_options
    caller.send("ready")
    caller.recv()
    import_files([path], url, options)
