"""The maximum size of a request's body: its bytes are counted, whatever its headers say."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from customer_revenue.service.admission import CLIENT_GONE
from customer_revenue.service.error_responses import error_response


class _Gone(Exception):
    """The client has closed the connection, or has been too slow, before the body was complete."""


class BodyLimit:
    """Middleware that responds 413 to a body that is too large, without reading the rest of it.

    A request that gives its length in two ways is refused with 400: servers disagree on which of them holds.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request whose body is small enough."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "")
        if declared and "transfer-encoding" in headers:
            await _closing(400, "bad_request", "send either Content-Length or Transfer-Encoding, and not both")(
                scope, receive, send
            )
        elif scope["method"] in ("GET", "HEAD", "OPTIONS"):  # whose bodies nothing reads
            await self.app(scope, receive, send)
        elif declared.isdecimal() and int(declared) > self._max_bytes:
            await self._too_large()(scope, receive, send)
        else:
            try:
                body = await _read(receive, self._max_bytes)
            except _Gone:
                await Response(status_code=CLIENT_GONE)(scope, receive, send)
                return
            if body is None:
                await self._too_large()(scope, receive, send)
            else:
                await self.app(scope, _replayed(body, receive), send)

    def _too_large(self) -> JSONResponse:
        return _closing(413, "too_large", f"the request body exceeds the maximum of {self._max_bytes} bytes")


def _closing(status: int, code: str, message: str) -> JSONResponse:
    """A refusal after which the server closes the connection, and takes no more of the body."""
    refusal = error_response(status, code, message)
    refusal.headers["Connection"] = "close"
    return refusal


async def _read(receive: Receive, max_bytes: int) -> bytes | None:
    """A body of unknown length; ``None`` for one that is too long.

    Raises:
        _Gone: there will not be more of it.
    """
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
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
