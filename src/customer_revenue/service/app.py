"""The HTTP application: the API under ``/api``, the page, health and metrics, and the middleware around them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from customer_revenue import __version__
from customer_revenue.service.error_responses import add_error_handlers, error_response
from customer_revenue.service.middleware import middleware, wrapped
from customer_revenue.service.openapi import describe, operation_id
from customer_revenue.service.prediction_logging import PredictionLog
from customer_revenue.service.response_cache import ResponseCache
from customer_revenue.service.routes import advice, analytics, customer_batches, customers, dashboard, model, search
from customer_revenue.service.serving_state import ServingState
from customer_revenue.settings import Settings

DESCRIPTION = "What each customer has been worth, what they will be worth, and what to do about it."


class Application:
    """The whole application as one ASGI application, to be served, tested or mounted in another one.

    It opens the store and the model on the first request that needs them, or in :meth:`lifespan`.

    Args:
        settings: store, models, keys and limits.

    Attributes:
        api: the API alone, without authentication; BentoML mounts it.
        state: the store and the model in use.
        prediction_log: the log of predictions.
    """

    def __init__(self, settings: Settings) -> None:
        self.state = ServingState(settings)
        self.prediction_log = PredictionLog(settings)
        self.api = _api(self.state, self.prediction_log)
        routes = [
            Route("/livez", _alive),
            Route("/healthz", _alive),
            Route("/readyz", self._ready),
            Mount("/api", self.api),
        ]
        router = Router(routes, default=_unknown_path, redirect_slashes=False)
        self._app = wrapped(router, middleware(settings, self.state))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; a server's lifespan opens and closes what :meth:`lifespan` does."""
        if scope["type"] == "lifespan":
            await Router(lifespan=self.lifespan)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    @asynccontextmanager
    async def lifespan(self, _app: ASGIApp | None = None) -> AsyncIterator[None]:
        """Open the store before the first request, and write what the prediction log holds at the end.

        A server runs it. An application that mounts this one runs it in its own lifespan: the servers do not run
        those of mounted applications.
        """
        await to_thread.run_sync(self.state.warm_up)
        try:
            yield
        finally:
            await to_thread.run_sync(self.prediction_log.flush)

    async def _ready(self, _request: Request) -> Response:
        ready = await to_thread.run_sync(self.state.ready)
        return PlainTextResponse("", 200 if ready else 503)


def create_app(settings: Settings) -> Application:
    """The whole application, middleware included."""
    return Application(settings)


def _api(state: ServingState, prediction_log: PredictionLog) -> FastAPI:
    api = FastAPI(
        title="customer-revenue",
        version=__version__,
        description=DESCRIPTION,
        generate_unique_id_function=operation_id,
    )
    describe(api)
    api.state.serving_state = state
    api.state.prediction_log = prediction_log
    add_error_handlers(api)
    api.add_middleware(ResponseCache, state=state)
    for routes in (customers, customer_batches, advice, analytics, dashboard, search, model):
        api.include_router(routes.router)
    api.add_api_route("/{path:path}", _unmatched, include_in_schema=False, methods=["GET", "HEAD"])
    return api


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("")


async def _unknown_path(scope: Scope, receive: Receive, send: Send) -> None:
    await error_response(404, "not_found", "no such address")(scope, receive, send)


def _unmatched(path: str) -> None:
    raise HTTPException(404, f"no such address: /api/{path[:200]}; /api/docs lists those there are")
