"""The files of the page, served without a key: they hold no data, and the page asks for the key itself."""

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
"""Where the files are; the page itself is ``/``, and everything else is the service's."""

HEADERS = {
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
    "cache-control": "no-cache",  # asked for again, answered by 304, so that an upgrade shows at once
}


class PageFiles:
    """Middleware that answers ``/`` and what is under ``/dashboard/``, and lets everything else pass."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._files = StaticFiles(directory=STATIC, html=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a file, or pass the request on."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or not _is_ours(own_path(scope)):
            await self.app(scope, receive, send)
            return

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        inner = {**scope, "path": "/" + own_path(scope).removeprefix(PAGE_PREFIX).lstrip("/"), "root_path": ""}
        try:
            response: ASGIApp = await self._files.get_response(self._files.get_path(inner), inner)
        except HTTPException as error:
            response = error_response(error.status_code, "not_found", "the page has no such file")
        await response(scope, receive, secured)


def _is_ours(path: str) -> bool:
    return path == "/" or path.startswith(PAGE_PREFIX)
