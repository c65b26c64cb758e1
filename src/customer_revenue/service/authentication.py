"""Authentication by API key."""

from __future__ import annotations

import ipaddress
import logging
import re
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from customer_revenue.choices import Scope as KeyScope
from customer_revenue.errors import KeysUnavailable, Unauthorized
from customer_revenue.keys import KeyFile
from customer_revenue.service.error_responses import error_response
from customer_revenue.service.paths import own_path
from customer_revenue.service.rate_limit import RateLimit
from customer_revenue.service.sessions import Sessions, forged

logger = logging.getLogger(__name__)

OPEN_PATHS = frozenset({"/livez", "/readyz", "/healthz"})
"""Health checks, which need no key; they only say whether the service is up and ready."""

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class AuthMiddleware:
    """Middleware that requires a valid API key with the right scope and within its rate limit.

    A key comes as ``Authorization: Bearer KEY`` or ``X-API-Key: KEY``, or as the session of the page, whose requests
    that change something have to come from the page itself. Until there has been a key, only requests from this machine
    are accepted.
    """

    def __init__(self, app: ASGIApp, keys: Path, requests_per_minute: int) -> None:
        self.app = app
        self._keys = KeyFile(keys)
        self._sessions = Sessions(keys, self._keys)
        self._rate_limit = RateLimit(requests_per_minute)
        self._last_logged = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        refusal = self._refusal(scope) if scope["type"] == "http" and own_path(scope) not in OPEN_PATHS else None
        await (refusal or self.app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        if _is_cross_site(scope, headers):
            return error_response(403, "forbidden", "a page of another site may not send this request")
        if not self._keys.required():
            if _is_local(scope.get("client")) and _host(headers) in LOCAL_NAMES:
                return None
            return _unauthorized(
                "no API keys exist, so only this machine may send requests; run `customer-revenue keys add`"
            )
        secret = _secret(headers)
        try:
            key = self._keys.match(secret) if secret else self._sessions.key_of(headers)
        except KeysUnavailable as error:
            self._log_once(error.message)
            return error_response(503, error.code, "the API keys cannot be read, so nobody is let in; the log says why")
        self._log_once("")
        if key is None:
            return _unauthorized("send a valid API key as `Authorization: Bearer KEY` or `X-API-Key: KEY`")
        if not secret and (refusal := forged(scope["method"], headers)):
            return refusal
        self._keys.note_use(key.name)
        scope.setdefault("state", {})["key_name"] = key.name
        needed = needed_scope(scope["method"], own_path(scope))
        may_measure = KeyScope.METRICS in key.scopes and own_path(scope) == "/metrics"
        if needed not in key.scopes and not may_measure:
            return error_response(403, "forbidden", f"the key {key.name} has no {needed} scope")
        return self._rate_limit.refusal(key.name)

    def _log_once(self, message: str) -> None:
        if message and message != self._last_logged:
            logger.error("%s", message)
        self._last_logged = message


ANALYTICS = "/api/payment/analytics"
LEARNING = re.compile(rf"{ANALYTICS}/campaigns/[^/]+/(?:un)?learn")
"""Changes the decisions about everybody."""


def needed_scope(method: str, path: str) -> KeyScope:
    """The scope that a key needs for a request.

    >>> needed_scope("POST", "/api/payment/analytics/customers/batch").value
    'batch'
    >>> needed_scope("POST", "/api/payment/analytics/campaigns").value
    'act'
    >>> needed_scope("POST", "/api/payment/analytics/models/rollback").value
    'admin'
    >>> needed_scope("POST", "/api/payment/analytics/campaigns/spring/learn").value
    'admin'
    """
    reads = method in ("GET", "HEAD", "OPTIONS")
    if not reads and LEARNING.fullmatch(path):
        return KeyScope.ADMIN
    if _is_below(path, f"{ANALYTICS}/keys"):
        return KeyScope.ADMIN
    if not reads and (_is_below(path, f"{ANALYTICS}/models") or _is_below(path, f"{ANALYTICS}/policy")):
        return KeyScope.ADMIN
    if reads:
        return KeyScope.READ
    acts = method != "POST" or _is_below(path, f"{ANALYTICS}/campaigns")
    return KeyScope.ACT if acts else KeyScope.BATCH


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _is_cross_site(scope: Scope, headers: Headers) -> bool:
    """Whether a page of another site sends it, by what browsers say; a link to here may be followed."""
    followed = scope["method"] == "GET" and headers.get("sec-fetch-mode") == "navigate"
    return headers.get("sec-fetch-site") == "cross-site" and not followed


def _unauthorized(message: str) -> JSONResponse:
    refusal = error_response(401, Unauthorized.code, message)
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
