"""Who may ask, and how often."""

from __future__ import annotations

import ipaddress
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from customer_revenue.errors import Unauthorized
from customer_revenue.keys import ApiKey, KeyFile
from customer_revenue.keys import Scope as KeyScope
from customer_revenue.service.error_responses import answer
from customer_revenue.settings import Settings

OPEN_PATHS = frozenset({"/livez", "/readyz", "/healthz"})
"""Paths that a load balancer asks without a key; they tell nothing but whether the service is well."""

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Access:
    """Middleware: a valid key with the right scope and within its rate, or, while there are no keys, this machine only.

    A key comes as ``Authorization: Bearer KEY`` or ``X-API-Key: KEY``.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._keys = KeyFile(settings.keys)
        self._limit = RateLimitItemPerMinute(settings.requests_per_minute) if settings.requests_per_minute else None
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer why not."""
        refusal = self._refusal(scope) if scope["type"] == "http" and scope["path"] not in OPEN_PATHS else None
        await (refusal or self.app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        if not self._keys.all():
            if _is_local(scope.get("client")) and _host(headers) in LOCAL_NAMES:
                return None
            return _unauthorized("without API keys the service answers only its own machine; `keys add` makes one")
        key = self._keys.match(_secret(headers))
        if key is None:
            return _unauthorized("give a valid API key as `Authorization: Bearer KEY` or `X-API-Key: KEY`")
        needed = KeyScope.BATCH if scope["method"] == "POST" else KeyScope.READ
        if needed not in key.scopes:
            return answer(403, "forbidden", f"the key {key.name} has no {needed} scope")
        return self._too_often(key)

    def _too_often(self, key: ApiKey) -> JSONResponse | None:
        if self._limit is None or self._limiter.hit(self._limit, key.name):
            return None
        seconds = max(1, round(self._limiter.get_window_stats(self._limit, key.name).reset_time - time.time()))
        message = f"the key {key.name} may ask {self._limit.amount} times a minute; wait {seconds} s"
        refusal = answer(429, "too_many_requests", message)
        refusal.headers["Retry-After"] = str(seconds)
        return refusal


def _unauthorized(message: str) -> JSONResponse:
    refusal = answer(401, Unauthorized.code, message)
    refusal.headers["WWW-Authenticate"] = "Bearer"
    return refusal


def _secret(headers: Headers) -> str:
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")


def _host(headers: Headers) -> str:
    """The name in the Host header: a page elsewhere may point a name of its own at this machine."""
    host = headers.get("host", "")
    name = host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]
    return name.lower()


def _is_local(client: tuple[str, int] | None) -> bool:
    if client is None:  # a Unix socket
        return True
    try:
        return ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False
