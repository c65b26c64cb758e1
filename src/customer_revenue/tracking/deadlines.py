"""Deadlines of everything that is asked of a tracking server."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from queue import Empty, SimpleQueue
from typing import TypeVar, TypeVarTuple
from urllib.parse import SplitResult, urlsplit

from customer_revenue.errors import CustomerRevenueError, TrackingUnavailable

_Args = TypeVarTuple("_Args")
_Result = TypeVar("_Result")

PROBE_SECONDS = 2.0
"""How long a tracking server may take to answer at all."""

REQUEST_OPTIONS = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
"""Of MLflow's client, where the environment does not set them: by its defaults a request may take four minutes."""

DATABASE_PORTS = {"postgresql": 5432, "postgres": 5432, "mysql": 3306, "mssql": 1433}


def shorten_requests() -> None:
    """Let MLflow's client give up early, unless the environment says otherwise."""
    for name, value in REQUEST_OPTIONS.items():
        os.environ.setdefault(name, value)


def within(seconds: float, function: Callable[[*_Args], _Result], *args: *_Args) -> _Result:
    """What a function returns, if it does in time; one that does not is left to a thread that ends with the process.

    Raises:
        TrackingUnavailable: it takes longer, or fails with an error that is not of this package.
    """
    outcomes: SimpleQueue[tuple[_Result | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            outcomes.put((function(*args), None))
        except BaseException as error:  # raised by the caller
            outcomes.put((None, error))

    threading.Thread(target=run, name="tracking", daemon=True).start()
    try:
        result, error = outcomes.get(timeout=seconds)
    except Empty:
        raise TrackingUnavailable(f"the tracking server did not answer within {seconds:.0f} s") from None
    if isinstance(error, Exception) and not isinstance(error, CustomerRevenueError):
        raise TrackingUnavailable(f"tracking failed: {_one_line(error)}") from error
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # it is the result where there is no error


def check_reachable(uri: str) -> None:
    """Ask a tracking server for a sign of life; a file needs none.

    Raises:
        TrackingUnavailable: it gives none within :data:`PROBE_SECONDS`.
    """
    parts = urlsplit(uri)
    if parts.hostname is None:
        return
    with_server = f"{parts.scheme}://{parts.hostname}"
    try:
        within(2 * PROBE_SECONDS, _probe, parts)
    except TrackingUnavailable:
        raise TrackingUnavailable(f"the tracking server {with_server} does not answer") from None


def _probe(parts: SplitResult) -> None:
    host, scheme = parts.hostname or "", parts.scheme.partition("+")[0]
    if scheme not in ("http", "https"):
        port = parts.port or DATABASE_PORTS.get(scheme)
        if port is not None:
            socket.create_connection((host, port), PROBE_SECONDS).close()
        return
    kind = HTTPSConnection if scheme == "https" else HTTPConnection
    with contextlib.closing(kind(host, parts.port, timeout=PROBE_SECONDS)) as connection:
        try:
            connection.request("GET", f"{parts.path.rstrip('/')}/health")
            connection.getresponse()  # any answer will do: the server or its proxy is there
        except HTTPException as error:
            raise OSError(str(error)) from error


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:199]}…"
