"""The files of the page, served without a key: they hold no data, and the page sends the key with its requests."""

from __future__ import annotations

from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from customer_revenue.service.error_responses import error_response
from customer_revenue.service.paths import own_path

STATIC = Path(__file__).with_name("static")
PAGE_PREFIX = "/dashboard/"
"""Path of the files; the page itself is ``/``."""

BUNDLE_PREFIX = PAGE_PREFIX + "bundle/"
"""Path of what a wheel's build has named by its content; a clone has none."""

FOREVER = "public, max-age=31536000, immutable"
OK = 200

SECURITY_HEADERS = {
    "content-security-policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        )
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-cache",  # revalidated with 304, so that an upgrade shows at once
}


class PageFiles:
    """Middleware that serves ``/`` and ``/dashboard/``, and passes everything else on."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._files = StaticFiles(directory=STATIC, html=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a file, or pass the request on."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or not _is_page_path(own_path(scope)):
            await self.app(scope, receive, send)
            return

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                if own_path(scope).startswith(BUNDLE_PREFIX) and message["status"] == OK:
                    headers["cache-control"] = FOREVER
            await send(message)

        inner = {**scope, "path": "/" + own_path(scope).removeprefix(PAGE_PREFIX).lstrip("/"), "root_path": ""}
        try:
            response: ASGIApp = await self._files.get_response(self._files.get_path(inner), inner)
        except HTTPException as error:
            response = error_response(error.status_code, "not_found", "no such file")
        await response(scope, receive, send_secured)


def _is_page_path(path: str) -> bool:
    return path == "/" or path.startswith(PAGE_PREFIX)
