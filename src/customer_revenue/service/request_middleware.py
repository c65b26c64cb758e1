"""The outermost middleware: request ids, the access log, metrics, and unhandled exceptions."""

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
from customer_revenue.service.promotion_watch import PromotionWatch
from customer_revenue.service.serving_state import ServingState
from customer_revenue.service.tracing import Finish, Tracing

logger = logging.getLogger(__name__)

REQUEST_ID_HEADER = "x-request-id"
CLIENT_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
UNROUTED = "other"
"""The label of requests that match no route."""

OWN_ROUTES = frozenset(
    {
        "/",
        "/api/docs",
        "/api/openapi.json",
        "/api/session",
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
    """Middleware around all others that gives each request an id, logs it and measures it.

    The response has the client's ``X-Request-ID``, or a generated one if the client sent none or an invalid one. An
    exception from the middleware and the application inside becomes the documented response 500.
    """

    def __init__(self, app: ASGIApp, log: AccessLog, watch: PromotionWatch, tracing: Tracing) -> None:
        self.app = app
        self._log, self._watch, self._tracing = log, watch, tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, add the id to its response, log it, measure it and trace it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with self._tracing.request(scope) as finish:
            await self._answer(scope, receive, send, finish)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, finish: Finish) -> None:
        client_id = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        request_id = client_id if CLIENT_REQUEST_ID.fullmatch(client_id) else uuid.uuid4().hex
        status, started, complete = 500, False, False
        began = time.perf_counter()
        path = own_path(scope)

        async def send_with_id(message: Message) -> None:
            nonlocal status, started, complete
            if message["type"] == "http.response.start":
                started, status = True, message["status"]
                message["headers"] = [*message.get("headers", ()), (REQUEST_ID_HEADER.encode(), request_id.encode())]
            complete = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception:
            logger.exception("request %s failed", request_id)
            if started and not complete:
                raise  # the server closes the connection, since the response cannot be completed
            if not started:
                await internal_error()(scope, receive, send_with_id)
        finally:
            if path.startswith("/api/"):
                self._watch.note(status)
            route = _route(scope, path)
            finish(route, status)
            self._record(request_id, scope["method"], route, status, time.perf_counter() - began)

    def _record(self, request_id: str, method: str, route: str, status: int, seconds: float) -> None:
        """Log and measure a request; if that fails, the response stays as it is."""
        try:
            self._log.note(request_id, method, route, status, seconds)
            metrics().observe_request(route, method, status, seconds)
        except Exception:
            logger.exception("request %s could not be recorded", request_id)


class MetricsPage:
    """Middleware for ``/metrics``; it also refuses paths with a line break, which routers cannot match."""

    def __init__(self, app: ASGIApp, state: ServingState) -> None:
        self.app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond, or pass the request on."""
        response: ASGIApp = self.app
        if scope["type"] == "http" and own_path(scope) == "/metrics":
            text = await anyio.to_thread.run_sync(metrics().text, self._state.opened)
            response = Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
        elif scope["type"] == "http" and "\n" in scope["path"]:
            response = error_response(404, "not_found", "a path cannot contain a line break")
        await response(scope, receive, send)


def _route(scope: Scope, path: str) -> str:
    """The pattern of the matched route; never the path, which may name a customer."""
    route = scope.get("route")
    pattern = scope.get("cached_route") or ("" if isinstance(route, Mount) else getattr(route, "path_format", ""))
    if pattern:
        return f"/api{pattern}" if path.startswith("/api/") else str(pattern)
    if path.startswith("/dashboard/"):
        return "/dashboard"
    return path if path in OWN_ROUTES else UNROUTED
