"""The service as a process next to another command."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Self

from customer_revenue.cli.serving import service_command, service_environment
from customer_revenue.console import complain
from customer_revenue.errors import InvalidParameter

POLL_SECONDS = 0.2
POLL_TIMEOUT_SECONDS = 30
STOP_SECONDS = 30


class BackgroundService:
    """The service in a process of its own, which ends with the block.

    Args:
        port: of this machine alone.
        when_ready: is called, in a thread, once it answers.

    Raises:
        InvalidParameter: something else listens on the port.
    """

    def __init__(self, port: int, when_ready: Callable[[], None]) -> None:
        self._port, self._when_ready = port, when_ready
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise InvalidParameter(
                    f"port {port} is in use; choose another one: --port {port + 1}, or make demo PORT={port + 1}"
                ) from None

    def __enter__(self) -> Self:
        self._handler = signal.signal(signal.SIGTERM, self._stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        signal.signal(signal.SIGTERM, self._handler)
        if self._stopped:  # a query that the signal interrupts ends with an error of its own
            sys.exit(128 + signal.SIGTERM)

    def _stop(self, *_: object) -> None:
        self._stopped = True
        sys.exit(128 + signal.SIGTERM)

    def start(self, store: str, model: str) -> None:
        """Start it, with a store and a model; what it logs goes to standard error."""
        environment = {**os.environ, **service_environment(store), "CUSTOMER_REVENUE_MODEL": model}
        self._process = subprocess.Popen(  # noqa: S603  # our own arguments
            service_command("127.0.0.1", self._port),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for task in (self._relay, self._announce):
            threading.Thread(target=task, args=(self._process,), daemon=True).start()

    def wait(self) -> int:
        """Wait until it ends, or the user ends it; its exit status."""
        assert self._process is not None
        try:
            return self._process.wait()
        except KeyboardInterrupt:  # which the service has received as well
            return 0

    @staticmethod
    def _relay(process: subprocess.Popen[str]) -> None:
        """Pass lines on as a whole, so that they do not break a progress bar."""
        assert process.stdout is not None
        for line in process.stdout:
            complain(line.rstrip("\n"))

    def _announce(self, process: subprocess.Popen[str]) -> None:
        while process.poll() is None:
            if self._answers():
                self._when_ready()
                return
            time.sleep(POLL_SECONDS)

    def _answers(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=POLL_TIMEOUT_SECONDS)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()
