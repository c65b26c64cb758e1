"""The HTTP application: the API under ``/api``, the page, health and metrics, and the middleware around them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from customer_revenue import __version__
from customer_revenue.keys import KeyFile
from customer_revenue.service.admission import Admission
from customer_revenue.service.docs_page import add_docs
from customer_revenue.service.error_responses import ERROR_HANDLERS, ErrorAnswer, error_response
from customer_revenue.service.middleware import middleware_layers
from customer_revenue.service.openapi import describe, operation_id
from customer_revenue.service.prediction_logging import PredictionLog
from customer_revenue.service.response_cache import ResponseCache
from customer_revenue.service.routes import (
    advice,
    analytics,
    api_keys,
    campaign_webhooks,
    campaigns,
    customer_batches,
    customers,
    dashboard,
    economics,
    model,
    movements,
    plays,
    promotions,
    saved_policy,
    search,
)
from customer_revenue.service.serving_state import ServingState
from customer_revenue.service.tracing import Tracing
from customer_revenue.settings import Settings
from customer_revenue.workflows.campaigns.campaign_file import CampaignFile
from customer_revenue.workflows.campaigns.send_campaign import CampaignWebhooks
from customer_revenue.workflows.policy_file import SavedPolicy

DESCRIPTION = "What each customer has been worth, what they will be worth, and what to do about it."
ROUTERS = tuple(
    routes.router
    for routes in (
        customers, customer_batches, advice, analytics, economics, movements, campaigns, campaign_webhooks, dashboard,
        plays, search, model, promotions, saved_policy, api_keys,
    )
)  # fmt: skip


class Application(Starlette):
    """The whole service as one ASGI application, to be served, tested or mounted in another application.

    The first request that needs the store and the model opens them, unless :meth:`lifespan` has done so.

    Args:
        settings: store, models, keys and limits.
        shared: whether other workers of this machine map the same customers in memory.

    Attributes:
        api: the API alone, without the middleware: no authentication, no body limit. BentoML mounts it.
        serving_state: the store and the model in use.
        prediction_log: the log of predictions.
        tracing: the traces, if the settings say where they are sent.
    """

    def __init__(self, settings: Settings, *, shared: bool = False) -> None:
        self.serving_state = ServingState(settings, shared=shared)
        self.tracing = Tracing(settings)
        self.prediction_log = PredictionLog(settings.log, settings.logged_share)
        self.api = _api(self.serving_state, self.prediction_log, Admission(settings.request_seconds))
        self.api.state.keys = KeyFile(settings.keys)
        self.api.state.campaigns = CampaignFile(settings.campaigns)
        self.api.state.webhooks = CampaignWebhooks(settings.webhooks, settings.webhook_networks)
        self.api.state.learned_effects = settings.learned_effects
        self.api.state.registry = settings.registry
        self.api.state.saved_policy = SavedPolicy(settings.policy, settings.learned_effects)
        super().__init__(
            routes=[
                Route("/livez", _alive),
                Route("/healthz", _alive),
                Mount("/api", self.api),
            ],
            middleware=middleware_layers(settings, self.serving_state, self.tracing),
            exception_handlers=ERROR_HANDLERS,
            lifespan=self.lifespan,
        )
        self.router.default = _not_found

    @asynccontextmanager
    async def lifespan(self, _app: ASGIApp | None = None) -> AsyncIterator[None]:
        """Open the store before the first request; at the end, write and send what waits to be logged and traced.

        A server runs this by itself. An application that mounts this one has to run it in its own lifespan, since
        ASGI servers only start the outermost application.
        """
        await to_thread.run_sync(self.serving_state.warm_up)
        try:
            yield
        finally:
            await to_thread.run_sync(self.prediction_log.flush)
            await to_thread.run_sync(self.tracing.stop)


def create_app(settings: Settings, *, shared: bool = False) -> Application:
    """The whole application, middleware included.

    Args:
        settings: store, models, keys and limits.
        shared: whether other workers of this machine map the same customers in memory.
    """
    return Application(settings, shared=shared)


def _api(serving_state: ServingState, prediction_log: PredictionLog, admission: Admission) -> FastAPI:
    api = FastAPI(
        title="customer-revenue",
        version=__version__,
        description=DESCRIPTION,
        generate_unique_id_function=operation_id,
        exception_handlers=ERROR_HANDLERS,
        docs_url=None,
        redoc_url=None,
    )
    describe(api)
    add_docs(api)
    api.state.serving_state = serving_state
    api.state.prediction_log = prediction_log
    api.state.admission = admission
    api.add_middleware(ResponseCache, state=serving_state)
    for router in ROUTERS:
        api.include_router(router, responses={503: {"model": ErrorAnswer}})
    api.add_api_route("/{path:path}", _unmatched, include_in_schema=False, methods=["GET", "HEAD"])
    return api


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("\n")


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    await error_response(404, "not_found", "no such path")(scope, receive, send)


def _unmatched(path: str) -> None:
    raise HTTPException(404, f"no such path: /api/{path[:200]}; /api/docs lists the paths")
