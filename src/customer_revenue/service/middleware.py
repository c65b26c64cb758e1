"""The middleware around the HTTP application, the outermost first."""

from __future__ import annotations

from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from customer_revenue.service.authentication import AuthMiddleware
from customer_revenue.service.body_limit import BodyLimit
from customer_revenue.service.dashboard.page_files import PageFiles
from customer_revenue.service.json_logs import AccessLog
from customer_revenue.service.readiness import ReadyPage
from customer_revenue.service.request_middleware import MetricsPage, RequestMiddleware
from customer_revenue.service.serving_state import ServingState
from customer_revenue.service.sessions import SessionPage
from customer_revenue.service.tracing import Tracing
from customer_revenue.settings import Settings

COMPRESSED_FROM = 1_000
"""Bytes of a response from which compressing it saves a packet."""

COMPRESSION_LEVEL = 4
"""Faster than the highest level, and within a tenth of its size for JSON; large bodies are compressed in a thread."""


def middleware_layers(settings: Settings, state: ServingState, tracing: Tracing) -> list[Middleware]:
    """The middleware as Starlette lists it, the outermost first."""
    log = AccessLog(enabled=settings.log_level in ("DEBUG", "INFO"))
    return [
        Middleware(RequestMiddleware, log, state.watch, tracing),
        Middleware(GZipMiddleware, COMPRESSED_FROM, COMPRESSION_LEVEL),
        Middleware(PageFiles),
        Middleware(SessionPage, settings.keys),
        Middleware(AuthMiddleware, settings.keys, settings.requests_per_minute),
        Middleware(ReadyPage, state),
        Middleware(MetricsPage, state),
        Middleware(BodyLimit, settings.body_bytes),
    ]


def wrap(app: ASGIApp, layers: list[Middleware]) -> ASGIApp:
    """An application inside layers of middleware, the outermost first."""
    for layer in reversed(layers):
        app = layer.cls(app, *layer.args, **layer.kwargs)
    return app
