"""Around every request: its name, its line in the log, its time among the metrics; and the page of the metrics."""

from __future__ import annotations

import re
import time
import uuid

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from customer_revenue.service.error_responses import answer
from customer_revenue.service.json_logs import AccessLog
from customer_revenue.service.prometheus_metrics import metrics
from customer_revenue.service.serving_state import Answering

HEADER = "x-request-id"
PLAIN = re.compile(r"[A-Za-z0-9._-]{1,64}")
UNROUTED = "other"
"""The route of requests that none answers."""

OWN_ROUTES = frozenset({"/", "/livez", "/readyz", "/healthz", "/metrics", "/predict", "/docs.json"})


class Watching:
    """Middleware around everything.

    It answers with the client's ``X-Request-ID``, or one of its own where that is none or odd.
    """

    def __init__(self, app: ASGIApp, log: AccessLog) -> None:
        self.app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, name the answer, and note it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        name = given if PLAIN.fullmatch(given) else uuid.uuid4().hex
        status = 500
        began = time.perf_counter()

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (HEADER.encode(), name.encode())]
            await send(message)

        path = scope["path"]
        try:
            await self.app(scope, receive, named)
        finally:
            seconds = time.perf_counter() - began
            route = _route(scope, path)
            metrics().answered(route, scope["method"], status, seconds)
            self._log.note(name, scope["method"], route, status, seconds)


class MetricsPage:
    """Middleware that answers ``/metrics``, and addresses that no router can read."""

    def __init__(self, app: ASGIApp, answering: Answering) -> None:
        self.app = app
        self._answering = answering

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        response: ASGIApp = self.app
        if scope["type"] == "http" and scope["path"] == "/metrics":
            text = await anyio.to_thread.run_sync(metrics().text, self._answering.open_now)
            response = Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
        elif scope["type"] == "http" and "\n" in scope["path"]:
            response = answer(404, "not_found", "no address has a line break")
        await response(scope, receive, send)


def _route(scope: Scope, path: str) -> str:
    """The pattern that answered, never the address."""
    route = scope.get("kept_route") or getattr(scope.get("route"), "path_format", "")
    if route:
        return f"/api{route}" if path.startswith("/api/") else str(route)
    if path.startswith("/dashboard/"):
        return "/dashboard"
    return path if path in OWN_ROUTES else UNROUTED
