"""Spans of a request's trace: nothing unless a service sends traces, then OpenTelemetry's.

A span says what is done, how long it takes and how it ends: never for whom, since traces are kept elsewhere and longer.
So it takes no text of a request, no parameter of a query and no message of an exception.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

_NOTHING = nullcontext()
_tracers: list[Tracer] = []


def set_tracer(tracer: Tracer | None) -> None:
    """Let all spans of this process be a tracer's; ``None`` for none."""
    _tracers[:] = [] if tracer is None else [tracer]


def span(name: str, **attributes: str | int) -> AbstractContextManager[None]:
    """A span until the end of the block, if it is part of the work on a request.

    Args:
        name: what is done.
        attributes: about it; nothing about a customer.
    """
    return _span(_tracers[0], name, attributes) if _tracers else _NOTHING


@contextmanager
def _span(tracer: Tracer, name: str, attributes: dict[str, str | int]) -> Iterator[None]:
    from opentelemetry.trace import StatusCode, get_current_span

    if not get_current_span().get_span_context().is_valid:
        yield
        return
    with tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield
        except Exception as error:
            current.set_attribute("error.type", type(error).__qualname__)
            current.set_status(StatusCode.ERROR)
            raise
