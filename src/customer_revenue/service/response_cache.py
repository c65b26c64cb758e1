"""Cached responses, stored as bytes; a client that already has one gets 304."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from cachetools import LRUCache
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from customer_revenue.service.prometheus_metrics import metrics
from customer_revenue.service.serving_state import ServingState

MAX_BYTES = 64 * 1024 * 1024
MAX_BODY_BYTES = 256 * 1024
OVERHEAD_BYTES = 1024
"""Of what holds a response and its address: objects of Python, rounded up."""
NEVER_KEPT = (
    "/payment/analytics/campaigns",
    "/payment/analytics/dashboard/alarms",
    "/payment/analytics/keys",
    "/payment/analytics/models",
    "/payment/analytics/policy",
)
"""What does not follow from store, model, day and contact log: campaigns and what they brought, keys, versions and who
promoted, the files next to the policy."""
DATE_KEY = b'"calculation_date":"'
CALCULATION_DATE = re.compile(DATE_KEY + rb'[^"]*"')


@dataclass(frozen=True)
class CachedResponse:
    """A body and its entity tag, and the size of the address that it is kept under."""

    body: bytes
    etag: str
    route: str
    address_bytes: int = 0

    @classmethod
    def of(cls, body: bytes, route: str) -> CachedResponse:
        """The tag ignores the calculation date: a response that differs in it alone counts as unchanged.

        It is weak, since a compressed response has other bytes.
        """
        content = _undated(body)
        return cls(body, f'W/"{hashlib.blake2b(content, digest_size=16).hexdigest()}"', route)


class ResponseCache:
    """Middleware for GET: entity tags with 304, and responses cached as long as store, model and day are the same.

    HEAD is answered as GET is, without the body.

    It runs before routing and validation, so that a cached response costs next to nothing.
    """

    def __init__(self, app: ASGIApp, state: ServingState) -> None:
        self.app = app
        self._state = state
        self._cache: LRUCache[tuple[object, ...], CachedResponse] = LRUCache(MAX_BYTES, getsizeof=_size)
        self._version: tuple[object, ...] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from the cache, or let the application answer and cache that."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            asked = {**scope, "method": "GET"}
            await self(asked, receive, _without_body(send))
            scope.update({name: asked[name] for name in ("route", "cached_route") if name in asked})  # for the metrics
            return
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        version = None if any(path in scope["path"] for path in NEVER_KEPT) else self._state.version()
        if version is not None and version != self._version:
            self._cache.clear()  # responses of an older store or model
            self._version = version
        key = (version, scope.get("raw_path") or scope["path"], scope["query_string"])
        known = Headers(scope=scope).get("if-none-match", "")
        cached = self._cache.get(key) if version is not None else None
        metrics().count_cache_lookup(found=cached is not None)
        if cached is not None:
            scope["cached_route"] = cached.route  # for the metrics: no router handles this request
            await _send(cached, known, send)
            return

        def store(answer: CachedResponse) -> None:
            if version is not None and version == self._state.version() and len(answer.body) <= MAX_BODY_BYTES:
                self._cache[key] = replace(answer, address_bytes=len(key[1]) + len(key[2]))

        await self.app(scope, receive, _Collector(scope, send, known, store))


class _Collector:
    """Holds a successful response back until it is complete, to tag and cache it; passes everything else on."""

    def __init__(self, scope: Scope, send: Send, known: str, store: Callable[[CachedResponse], None]) -> None:
        self._scope, self._send, self._known, self._store = scope, send, known, store
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
            answer = CachedResponse.of(b"".join(self._parts), route)
            self._store(answer)
            await _send(answer, self._known, self._send)


def _undated(body: bytes) -> bytes:
    """A body without its calculation dates; one alone is found without the time that a pattern takes."""
    if body.count(DATE_KEY) != 1:
        return CALCULATION_DATE.sub(b"", body)
    start = body.index(DATE_KEY)
    end = body.index(b'"', start + len(DATE_KEY)) + 1
    return body[:start] + body[end:]


def _without_body(send: Send) -> Send:
    async def send_headers(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return send_headers


async def _send(answer: CachedResponse, known: str, send: Send) -> None:
    """The response, or 304 to a client that has it; only the client may cache it, and must revalidate."""
    headers = [(b"etag", answer.etag.encode()), (b"cache-control", b"private, no-cache")]
    unchanged = known == "*" or answer.etag.removeprefix("W/") in known  # compared weakly (RFC 9110, 13.1.2)
    if not unchanged:
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(answer.body)).encode())]
    await send({"type": "http.response.start", "status": 304 if unchanged else 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if unchanged else answer.body})


def _size(answer: CachedResponse) -> int:
    return len(answer.body) + answer.address_bytes + OVERHEAD_BYTES
