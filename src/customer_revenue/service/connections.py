"""Connections: how long a client may take to send a request, and how many connections a worker holds.

This is uvicorn's HTTP/1.1 protocol with deadlines and a bound, since uvicorn and BentoML have settings for neither.
:func:`bound_connections` lets every server of the process use it; uvicorn alone takes
``--http customer_revenue.service.connections:BoundedProtocol``.
"""

from __future__ import annotations

import asyncio
import resource
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import h11
import uvicorn.config
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol
from uvicorn.server import ServerState

from customer_revenue.service.error_responses import OVERLOADED_RETRY_SECONDS, error_response
from customer_revenue.service.prometheus_metrics import metrics
from customer_revenue.settings import Settings

OTHER_FILES = 256
"""Files that a worker opens in addition to its connections: the store, logs, metrics, databases."""
ACCEPTED_AT_ONCE = 2048
"""Connections that asyncio accepts before it does anything else: BentoML's backlog."""
BEYOND_THE_BOUND = 64
"""Connections beyond the bound, on which only ``/livez`` is answered."""
LEAST_CONNECTIONS = 16
ALIVE = "/livez"


@dataclass(frozen=True)
class ConnectionLimits:
    """What a worker allows its clients.

    Attributes:
        connections: that are open at once.
        header_seconds: from the first byte of a request, or the connection's start, to the end of its headers.
        body_seconds: from there to the end of its body; and for which the client may read nothing of an answer.
    """

    connections: int = 1000
    header_seconds: float = 10.0
    body_seconds: float = 60.0


def bound_connections(settings: Settings) -> None:
    """Let the servers that this process starts hold to the settings, and let it open as many files as that takes."""
    wanted = settings.connections + BEYOND_THE_BOUND + ACCEPTED_AT_ONCE + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    connections = min(settings.connections, max(LEAST_CONNECTIONS, (soft - OTHER_FILES) // 2))
    BoundedProtocol.limits = ConnectionLimits(connections, settings.header_seconds, settings.body_seconds)
    uvicorn.config.HTTP_PROTOCOLS["auto"] = f"{__name__}:{BoundedProtocol.__name__}"


class BoundedProtocol(H11Protocol):
    """A connection whose client has to send its requests, and read the answers, in time.

    Beyond the bound on connections, the one is closed that has waited longest for its client. Where none waits for its
    client, only ``/livez`` is answered on a new one.
    """

    limits: ClassVar[ConnectionLimits] = ConnectionLimits()

    def __init__(
        self, config: uvicorn.Config, server_state: ServerState, app_state: dict[str, Any], _loop: Any = None
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.ws_protocol_class = None  # no route is a WebSocket, whose connections nothing would bound
        self._deadline: asyncio.TimerHandle | None = None
        self._reading_deadline: asyncio.TimerHandle | None = None
        self._awaited = ""
        """What is awaited of the client: ``headers``, a ``body`` or a further ``request``; empty for nothing."""
        self._waiting = _waiting_connections.setdefault(server_state, {})

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._await("headers")
        beyond = len(self.connections) - self.limits.connections
        if beyond <= 0:
            return
        longest = next(iter(self._waiting))
        if longest is not self:
            longest._close("no_room")
        elif beyond > BEYOND_THE_BOUND:
            self._close("no_room")
        else:
            self.app = _OnlyAlive(self.app)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._await("")
        self._stop_awaiting_reader()
        super().connection_lost(exc)

    @override
    def handle_events(self) -> None:
        super().handle_events()
        if self.transport.is_closing():
            self._await("")
        elif self.conn.their_state is h11.SEND_BODY:
            self._await("body")
        elif self.conn.their_state is h11.IDLE:
            self._await("request" if self.timeout_keep_alive_task else "headers")
        else:
            self._await("")

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and self.timeout_keep_alive_task and not self.transport.is_closing():
            self._await("request")

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._reading_deadline = self.loop.call_later(self.limits.body_seconds, self._abort)

    @override
    def resume_writing(self) -> None:
        self._stop_awaiting_reader()
        super().resume_writing()

    @override
    def send_400_response(self, msg: str) -> None:
        self._await("")
        self._refuse(error_response(400, "bad_request", "this is not a valid HTTP request"))

    def _await(self, what: str) -> None:
        """Wait for something else of the client than until now; the time for the same does not begin anew."""
        if what == self._awaited:
            return
        self._awaited = what
        self._waiting.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if not what:
            return
        self._waiting[self] = None
        seconds = {"headers": self.limits.header_seconds, "body": self.limits.body_seconds}.get(what)
        if seconds is not None:  # uvicorn has a time for the next request
            self._deadline = self.loop.call_later(seconds, self._close, f"slow_{what}")

    def _close(self, reason: str) -> None:
        """Say why, where the client can still be answered, and close."""
        metrics().count_closed_connection(reason)
        awaited = self._awaited
        self._await("")
        if awaited == "body" and self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if reason == "no_room":
            refusal = error_response(503, "overloaded", "too many connections are open; try again in a few seconds")
            refusal.headers["Retry-After"] = str(OVERLOADED_RETRY_SECONDS)
        else:
            refusal = error_response(408, "too_slow", f"the {awaited} of the request did not come in time")
        if awaited == "request":
            self.transport.close()  # between two requests, an answer would be taken for that to the next one
        else:
            self._refuse(refusal)

    def _refuse(self, refusal: JSONResponse) -> None:
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE, h11.ERROR) and not self.transport.is_closing():
            refusal.headers["Connection"] = "close"
            status, body = refusal.status_code, bytes(refusal.body)
            reason = STATUS_PHRASES[status]
            with suppress(h11.LocalProtocolError):
                events = (
                    h11.Response(status_code=status, headers=refusal.raw_headers, reason=reason),
                    h11.Data(data=body),
                )
                for event in (*events, h11.EndOfMessage()):
                    self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _abort(self) -> None:
        metrics().count_closed_connection("slow_reader")
        self.transport.abort()

    def _stop_awaiting_reader(self) -> None:
        if self._reading_deadline is not None:
            self._reading_deadline.cancel()
            self._reading_deadline = None


_waiting_connections: WeakKeyDictionary[ServerState, dict[BoundedProtocol, None]] = WeakKeyDictionary()
"""Of each server, the connections that wait for their client, the one that has waited longest first."""


class _OnlyAlive:
    """The application on a connection beyond the bound."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == ALIVE:
            await self._app(scope, receive, send)
            return
        metrics().count_closed_connection("no_room")
        refusal = error_response(503, "overloaded", "too many connections are open; try again in a few seconds")
        refusal.headers.update({"Retry-After": str(OVERLOADED_RETRY_SECONDS), "Connection": "close"})
        await refusal(scope, receive, send)
