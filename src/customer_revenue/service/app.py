"""The HTTP application, mounted under ``/api``."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from customer_revenue import __version__
from customer_revenue.service.error_responses import add_error_handlers
from customer_revenue.service.openapi import describe, operation_id
from customer_revenue.service.prediction_logging import PredictionLog
from customer_revenue.service.response_cache import Caching
from customer_revenue.service.routes import advice, analytics, customers, dashboard, search
from customer_revenue.service.routes import customer_batches as batch
from customer_revenue.service.routes import model as models
from customer_revenue.service.serving_state import Answering
from customer_revenue.settings import Settings

DESCRIPTION = "What each customer has been worth, what they will be worth, and what to do about it."


def create_app(settings: Settings) -> FastAPI:
    """The application; it opens the store and the model on the first request that needs them."""
    app = FastAPI(
        title="customer-revenue",
        version=__version__,
        description=DESCRIPTION,
        generate_unique_id_function=operation_id,
    )
    describe(app)
    app.state.answering = Answering(settings)
    app.state.prediction_log = PredictionLog(settings)
    add_error_handlers(app)
    app.add_middleware(Caching, answering=app.state.answering)
    app.include_router(customers.router)
    app.include_router(batch.router)
    app.include_router(advice.router)
    app.include_router(analytics.router)
    app.include_router(dashboard.router)
    app.include_router(search.router)
    app.include_router(models.router)
    app.add_api_route("/{path:path}", _unmatched, include_in_schema=False, methods=["GET", "HEAD"])
    return app


def _unmatched(path: str) -> None:
    raise HTTPException(404, f"no such address: /api/{path[:200]}; /api/docs lists those there are")
