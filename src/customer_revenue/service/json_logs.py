"""Logs as lines of JSON: events, and one line per request. They name routes and request ids, never a customer."""

from __future__ import annotations

import atexit
import datetime as dt
import logging
import sys
import threading
import time
import traceback
from collections import deque

from pydantic_core import to_json
from typing_extensions import override

LOG_FLUSH_SECONDS = 0.25
MAX_CAUSES = 10
MAX_LINES = 100_000
"""Maximum number of lines that wait to be written; beyond that the oldest are dropped."""


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON.

    Of an exception it has the type and the lines of code: the message may hold an id or an e-mail address.
    """

    @override
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = _without_messages(record.exc_info[1])
        return to_json(line).decode()


def _without_messages(error: BaseException | None) -> str:
    """An exception and what caused it, the first cause first, as types and lines of code."""
    parts: list[str] = []
    while error is not None and len(parts) < MAX_CAUSES:
        kind = type(error)
        parts.append("".join(traceback.format_tb(error.__traceback__)) + f"{kind.__module__}.{kind.__qualname__}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\nled to\n".join(reversed(parts))


def configure_logging(level: str) -> None:
    """Log as JSON to standard error in this whole process, including BentoML and uvicorn."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("bentoml", "uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # uvicorn's own access log contains paths, which name customers.
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False


class AccessLog:
    """One line per request, written by a thread in batches, so that logging does not limit the service."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._lines: deque[bytes] = deque(maxlen=MAX_LINES)
        self._started = False
        self._lock = threading.Lock()

    def note(self, request_id: str, method: str, route: str, status: int, seconds: float) -> None:
        """Add a line about a request."""
        if not self._enabled:
            return
        self._lines.append(
            to_json(
                {
                    "time": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
                    "level": "INFO",
                    "logger": "access",
                    "request_id": request_id,
                    "method": method,
                    "route": route,
                    "status": status,
                    "ms": round(seconds * 1000, 2),
                }
            )
        )
        if not self._started:
            self._start()

    def flush(self) -> None:
        """Write the waiting lines."""
        with self._lock:
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            if lines:
                sys.stdout.write((b"\n".join(lines) + b"\n").decode())
                sys.stdout.flush()

    def _start(self) -> None:
        self._started = True
        atexit.register(self.flush)
        threading.Thread(target=self._write, name="access-log", daemon=True).start()

    def _write(self) -> None:
        while True:
            time.sleep(LOG_FLUSH_SECONDS)
            self.flush()
