"""Traces of requests, sent to an OTLP receiver: off unless the settings name one."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.types import Scope

from customer_revenue import __version__
from customer_revenue.errors import InvalidParameter
from customer_revenue.settings import Settings
from customer_revenue.spans import set_tracer

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

EXPORT_SECONDS = 3.0
"""Maximum time for which a receiver may hold up the end of a process."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
SERVER_ERROR = 500

Finish = Callable[[str, int], None]
"""Receives the route and the status of a request at its end."""


def _untold(_route: str, _status: int) -> None:
    """What is not traced."""


_UNTRACED: AbstractContextManager[Finish] = nullcontext(_untold)


class Tracing:
    """The traces of a process.

    Args:
        settings: name the receiver, and the share of requests that are traced.

    Raises:
        InvalidParameter: what sends traces is not installed.
    """

    def __init__(self, settings: Settings) -> None:
        self._provider: TracerProvider | None = None
        self._tracer: Tracer | None = None
        if settings.traces:
            self._provider = _provider(settings.traces, settings.traces_share)
            self._tracer = self._provider.get_tracer("customer_revenue", __version__)
            atexit.register(self.stop)
        set_tracer(self._tracer)

    def request(self, scope: Scope) -> AbstractContextManager[Finish]:
        """A span of a request until the end of the block, which says how the request ended."""
        return _UNTRACED if self._tracer is None else _request(self._tracer, scope)

    def stop(self) -> None:
        """Send what waits, and trace no more."""
        provider, self._provider, self._tracer = self._provider, None, None
        if provider is not None:
            set_tracer(None)
            provider.shutdown()


def _provider(endpoint: str, share: float) -> TracerProvider:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
    except ImportError as error:
        raise InvalidParameter(
            f"traces need {error.name}: install customer-revenue[traces], or unset CUSTOMER_REVENUE_TRACES"
        ) from None
    resource = Resource.create(
        {"service.name": "customer-revenue", "service.version": __version__, "process.pid": os.getpid()}
    )
    provider = TracerProvider(ParentBased(TraceIdRatioBased(share)), resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint, timeout=EXPORT_SECONDS)))
    return provider


@contextmanager
def _request(tracer: Tracer, scope: Scope) -> Iterator[Finish]:
    from opentelemetry.context import Context
    from opentelemetry.trace import SpanKind, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    # Of what a client sends, the ids of its trace alone: tracestate and baggage are texts of its choice. BentoML's own
    # span, around this one, is not sent anywhere: its attributes have the path, which names a customer.
    carrier = {"traceparent": Headers(scope=scope).get("traceparent", "")}
    parent = TraceContextTextMapPropagator().extract(carrier, Context())
    method = scope["method"] if scope["method"] in METHODS else "_OTHER"
    with tracer.start_as_current_span(
        method, parent, SpanKind.SERVER, record_exception=False, set_status_on_exception=False
    ) as current:

        def finish(route: str, status: int) -> None:
            current.update_name(f"{method} {route}")
            current.set_attributes(
                {"http.request.method": method, "http.route": route, "http.response.status_code": status}
            )
            if status >= SERVER_ERROR:
                current.set_attribute("error.type", str(status))
                current.set_status(StatusCode.ERROR)

        yield finish
