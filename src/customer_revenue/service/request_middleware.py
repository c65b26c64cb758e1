"""The outermost middleware: request ids, the access log, metrics, and the last resort for exceptions."""

from __future__ import annotations

import logging
import re
import time
import uuid

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from customer_revenue.service.error_responses import error_response, internal_error
from customer_revenue.service.json_logs import AccessLog
from customer_revenue.service.paths import own_path
from customer_revenue.service.prometheus_metrics import metrics
from customer_revenue.service.serving_state import ServingState

logger = logging.getLogger(__name__)

HEADER = "x-request-id"
PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
UNROUTED = "other"
"""The route of requests that no route answers."""

OWN_ROUTES = frozenset(
    {
        "/",
        "/api/docs",
        "/api/openapi.json",
        "/docs.json",
        "/healthz",
        "/livez",
        "/metrics",
        "/predict",
        "/readyz",
    }
)
"""Paths outside the API's router that name themselves in the log and the metrics."""


class RequestMiddleware:
    """Middleware around everything: names, logs and measures each request.

    The response carries the client's ``X-Request-ID``, or one of ours if the client sent none or an odd one. An
    exception of any middleware or application inside becomes the documented response 500.
    """

    def __init__(self, app: ASGIApp, log: AccessLog) -> None:
        self.app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, name the response, log and measure it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        request_id = given if PLAIN_ID.fullmatch(given) else uuid.uuid4().hex
        status, started, complete = 500, False, False
        began = time.perf_counter()
        path = own_path(scope)

        async def named(message: Message) -> None:
            nonlocal status, started, complete
            if message["type"] == "http.response.start":
                started, status = True, message["status"]
                message["headers"] = [*message.get("headers", ()), (HEADER.encode(), request_id.encode())]
            complete = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        try:
            await self.app(scope, receive, named)
        except Exception:
            logger.exception("request %s failed", request_id)
            if started and not complete:
                raise  # the server closes the connection, since the response cannot be completed
            if not started:
                await internal_error()(scope, receive, named)
        finally:
            self._record(request_id, scope["method"], _route(scope, path), status, time.perf_counter() - began)

    def _record(self, request_id: str, method: str, route: str, status: int, seconds: float) -> None:
        """Log and measure a request; if that fails, the response stays as it is."""
        try:
            self._log.note(request_id, method, route, status, seconds)
            metrics().answered(route, method, status, seconds)
        except Exception:
            logger.exception("request %s could not be recorded", request_id)


class MetricsPage:
    """Middleware that answers ``/metrics``, and paths that no router can read."""

    def __init__(self, app: ASGIApp, state: ServingState) -> None:
        self.app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        response: ASGIApp = self.app
        if scope["type"] == "http" and own_path(scope) == "/metrics":
            text = await anyio.to_thread.run_sync(metrics().text, self._state.open_now)
            response = Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
        elif scope["type"] == "http" and "\n" in scope["path"]:
            response = error_response(404, "not_found", "no address has a line break")
        await response(scope, receive, send)


def _route(scope: Scope, path: str) -> str:
    """The pattern of the route that answered; never the path, which may name a customer."""
    route = scope.get("route")
    pattern = scope.get("cached_route") or ("" if isinstance(route, Mount) else getattr(route, "path_format", ""))
    if pattern:
        return f"/api{pattern}" if path.startswith("/api/") else str(pattern)
    if path.startswith("/dashboard/"):
        return "/dashboard"
    return path if path in OWN_ROUTES else UNROUTED
