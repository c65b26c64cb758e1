"""Sessions of the page: a key is sent once, and a cookie that scripts cannot read stands for it until it expires."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import logging
import os
import secrets
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from customer_revenue.errors import KeysUnavailable
from customer_revenue.keys import ApiKey, KeyFile
from customer_revenue.service.error_responses import error_response
from customer_revenue.service.paths import own_path

logger = logging.getLogger(__name__)

SESSION_PATH = "/api/session"
COOKIE = "customer_revenue_session"
SESSION_SECONDS = 12 * 60 * 60
SECRET_BYTES = 32
MAX_SIGN_IN_BYTES = 4096
PAGE_HEADER = ("x-requested-with", "customer-revenue")
"""What the page sends with requests that change something: a form or a page of another site cannot."""

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class Sessions:
    """Makes and checks the cookies. They are signed, not stored, so that every worker knows them after a restart.

    A signature covers the key's name, the moment of expiry and the key's hash: a session ends with its key. The secret
    that signs is next to the file of keys, in ``keys.json.sessions``, made at the first sign-in; without that file all
    sessions are over.

    Args:
        path: file of the keys.
        keys: the keys in it.
    """

    def __init__(self, path: Path, keys: KeyFile) -> None:
        self._secret_file = path.with_name(f"{path.name}.sessions")
        self._keys = keys

    def issue(self, key: ApiKey) -> str:
        """A new session of a key, as the value of the cookie."""
        until = int(dt.datetime.now(dt.UTC).timestamp()) + SESSION_SECONDS
        return f"{key.name}~{until}~{self._signature(key, until, self._made_secret())}"

    def key_of(self, headers: Headers) -> ApiKey | None:
        """The key of the session that a request belongs to; ``None`` without a valid one.

        Raises:
            KeysUnavailable: the keys cannot be read.
        """
        keys = self._keys.all()
        name, _, rest = _cookie(headers).partition("~")
        until, _, signature = rest.partition("~")
        if not (signature and until.isascii() and until.isdigit() and len(until) < 12):
            return None
        if int(until) <= dt.datetime.now(dt.UTC).timestamp():
            return None
        secret = self._secret()
        key = next((one for one in keys if one.name == name), None)
        if secret is None or key is None or key.is_expired():
            return None
        own = self._signature(key, int(until), secret)
        return key if hmac.compare_digest(own.encode(), signature.encode("utf-8", "replace")) else None

    @staticmethod
    def _signature(key: ApiKey, until: int, secret: bytes) -> str:
        return hmac.new(secret, f"{key.name}~{until}~{key.sha256}".encode(), hashlib.sha256).hexdigest()

    def _secret(self) -> bytes | None:
        try:
            found = self._secret_file.read_bytes()
        except OSError:
            return None
        return found if len(found) == SECRET_BYTES else None

    def _made_secret(self) -> bytes:
        """The secret; of several workers that make it at once, one does."""
        if (found := self._secret()) is not None:
            return found
        draft = self._secret_file.with_name(f"{self._secret_file.name}.{secrets.token_hex(4)}")
        made = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
        try:
            os.link(draft, self._secret_file)  # fails if another worker was first
        except FileExistsError:
            if self._secret() is None:  # damaged
                draft.replace(self._secret_file)
        finally:
            draft.unlink(missing_ok=True)
        return self._secret_file.read_bytes()


class SessionPage:
    """Middleware for ``/api/session``: GET says who is signed in, POST signs in with a key, DELETE signs out."""

    def __init__(self, app: ASGIApp, path: Path) -> None:
        self.app = app
        self._keys = KeyFile(path)
        self._sessions = Sessions(path, self._keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond, or pass the request on."""
        if scope["type"] != "http" or own_path(scope) != SESSION_PATH:
            await self.app(scope, receive, send)
            return
        try:
            response = await self._response(Request(scope, receive))
        except KeysUnavailable as error:
            response = error_response(503, error.code, "the API keys cannot be read; the log says why")
        except OSError as error:
            logger.error("cannot keep the secret of sessions: %s", error)
            response = error_response(503, KeysUnavailable.code, "sessions cannot be kept; the log says why")
        response.headers["cache-control"] = "no-store"
        await response(scope, receive, send)

    async def _response(self, request: Request) -> JSONResponse:
        if refusal := forged(request.method, request.headers):
            return refusal
        match request.method:
            case "GET" | "HEAD":
                return _who(self._sessions.key_of(request.headers), required=self._keys.required())
            case "POST":
                return await self._signed_in(request)
            case "DELETE":
                response = _who(None, required=self._keys.required())
                response.delete_cookie(COOKIE, path=_cookie_path(request), httponly=True, samesite="strict")
                return response
        return error_response(405, "method_not_allowed", "send GET, POST or DELETE")

    async def _signed_in(self, request: Request) -> JSONResponse:
        secret = await _sent_key(request)
        if secret is None:
            return error_response(422, "invalid_parameter", 'send {"key": "…"} as JSON')
        key = self._keys.match(secret)
        if key is None:
            return error_response(401, "unauthorized", "that is not a valid API key")
        self._keys.note_use(key.name)
        response = _who(key, required=True)
        response.set_cookie(
            COOKIE,
            self._sessions.issue(key),
            max_age=SESSION_SECONDS,
            path=_cookie_path(request),
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return response


def forged(method: str, headers: Headers) -> JSONResponse | None:
    """A refusal of a request of a session that changes something and does not come from this service's own page."""
    if method in SAFE_METHODS:
        return None
    name, value = PAGE_HEADER
    origin = headers.get("origin")
    is_foreign = origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
    if headers.get(name) != value or is_foreign or headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return error_response(403, "forbidden", "only this service's own page may send this request with a session")
    return None


def _who(key: ApiKey | None, *, required: bool) -> JSONResponse:
    scopes = sorted(key.scopes) if key else []
    name = key.name if key else None
    return JSONResponse(
        {"success": True, "signed_in": key is not None, "name": name, "scopes": scopes, "keys_required": required}
    )


async def _sent_key(request: Request) -> str | None:
    """The key in the body; ``None`` if there is none."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_SIGN_IN_BYTES:
            return None
    try:
        sent = json.loads(body)
    except ValueError:
        return None
    key = sent.get("key") if isinstance(sent, dict) else None
    return key if isinstance(key, str) and key else None


def _cookie_path(request: Request) -> str:
    root: str = request.scope.get("root_path", "")
    return f"{root}/"


def _cookie(headers: Headers) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""
