"""The maximum size of a request's body."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from customer_revenue.service.error_responses import error_response


class BodyLimit:
    """Middleware that responds 413 to a body that is too large, without reading the rest of it."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request whose body is small enough."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal():
            body = None
            too_large = int(declared) > self._max_bytes
        else:
            body = await _read(receive, self._max_bytes)
            too_large = body is None
        if too_large:
            refusal = error_response(
                413, "too_large", f"the request body exceeds the maximum of {self._max_bytes} bytes"
            )
            await refusal(scope, receive, send)
        else:
            await self.app(scope, receive if body is None else _replayed(body, receive), send)


async def _read(receive: Receive, max_bytes: int) -> bytes | None:
    """A body of unknown length; ``None`` for one that is too long."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > max_bytes:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    replayed = False

    async def receive_again() -> Message:
        nonlocal replayed
        if replayed:
            return await receive()
        replayed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
