"""``/readyz``: whether the store answers, and whether customers in memory are answered in its place."""

from __future__ import annotations

import anyio
from anyio import to_thread
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from customer_revenue.service.paths import own_path
from customer_revenue.service.serving_state import ServingState

READY_SECONDS = 1.5
"""After which a store counts as away: who asks wants to know within two seconds."""


class ReadyPage:
    """Middleware that answers ``/readyz`` whatever the store does: 200 if customers can be answered, and 503 if not."""

    def __init__(self, app: ASGIApp, state: ServingState) -> None:
        self.app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond, or pass the request on."""
        if scope["type"] == "http" and own_path(scope) == "/readyz":
            await (await self._answer())(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _answer(self) -> JSONResponse:
        answering = False
        with anyio.move_on_after(READY_SECONDS):
            answering = await to_thread.run_sync(self._state.ready, abandon_on_cancel=True)
        stale_since = None if answering else self._state.stale_since
        reverted = await to_thread.run_sync(lambda: self._state.watch.reverted)
        body = {
            "ready": answering or stale_since is not None,
            "store": "answers" if answering else "away",
            "stale_since": stale_since,
            "reverted": reverted.text() if reverted else None,
        }
        return JSONResponse(body, 200 if body["ready"] else 503, {"Cache-Control": "no-store"})
