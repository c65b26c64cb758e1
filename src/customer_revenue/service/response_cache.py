"""Answers that are asked for again: kept as bytes, and not sent again to a client that has them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import LRUCache
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from customer_revenue.service.prometheus_metrics import metrics
from customer_revenue.service.serving_state import Answering

MAX_BYTES = 64 * 1024 * 1024
MAX_BODY_BYTES = 256 * 1024
CALCULATION_DATE = re.compile(rb'"calculation_date":"[^"]*"')


@dataclass(frozen=True)
class KeptAnswer:
    """A body, and the tag of what it says."""

    body: bytes
    etag: str
    route: str

    @classmethod
    def of(cls, body: bytes, route: str) -> KeptAnswer:
        """The tag leaves out the moment of calculation, which alone makes no other answer."""
        said = CALCULATION_DATE.sub(b"", body)
        return cls(body, f'"{hashlib.blake2b(said, digest_size=16).hexdigest()}"', route)


class Caching:
    """Middleware for answers to GET: an ``ETag`` with 304, and answers kept while store, model and day are the same.

    It stands before routing and validation, so that an answer that is kept costs next to nothing.
    """

    def __init__(self, app: ASGIApp, answering: Answering) -> None:
        self.app = app
        self._answering = answering
        self._kept: LRUCache[tuple[object, ...], KeptAnswer] = LRUCache(MAX_BYTES, getsizeof=_size)
        self._version: tuple[object, ...] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from what is kept, or let the application answer and keep that."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        version = self._answering.version()
        if version is not None and version != self._version:
            self._kept.clear()  # nobody will ask for what an older store or model said
            self._version = version
        key = (version, scope.get("raw_path") or scope["path"], scope["query_string"])
        known = Headers(scope=scope).get("if-none-match", "")
        kept = self._kept.get(key) if version is not None else None
        metrics().looked_up(found=kept is not None)
        if kept is not None:
            scope["kept_route"] = kept.route  # for the metrics: no router has seen this request
            await _send(kept, known, send)
            return

        def keep(answer: KeptAnswer) -> None:
            if version is not None and version == self._answering.version() and len(answer.body) <= MAX_BODY_BYTES:
                self._kept[key] = answer

        await self.app(scope, receive, _Collector(scope, send, known, keep))


class _Collector:
    """Holds a successful answer back until it is complete, to tag and keep it; lets everything else pass."""

    def __init__(self, scope: Scope, send: Send, known: str, keep: Callable[[KeptAnswer], None]) -> None:
        self._scope, self._send, self._known, self._keep = scope, send, known, keep
        self._held = False
        self._parts: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            self._held = message["status"] == 200 and headers.get("content-type") == "application/json"
            if not self._held:
                headers.setdefault("cache-control", "no-store")
                await self._send(message)
            return
        if not self._held:
            await self._send(message)
            return
        self._parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            route = getattr(self._scope.get("route"), "path_format", "")
            answer = KeptAnswer.of(b"".join(self._parts), route)
            self._keep(answer)
            await _send(answer, self._known, self._send)


async def _send(answer: KeptAnswer, known: str, send: Send) -> None:
    """The answer, or 304 to a client that has it; it may be kept by that client alone, and is to be asked for again."""
    headers = [(b"etag", answer.etag.encode()), (b"cache-control", b"private, no-cache")]
    unchanged = known == "*" or answer.etag in known
    if not unchanged:
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(answer.body)).encode())]
    await send({"type": "http.response.start", "status": 304 if unchanged else 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if unchanged else answer.body})


def _size(answer: KeptAnswer) -> int:
    return len(answer.body) + 512
