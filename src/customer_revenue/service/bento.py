"""The BentoML service: the HTTP application under ``/api``, and a thin method for BentoML's own clients.

``bentoml serve customer_revenue.service.bento:CustomerRevenueService``.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

import bentoml
from bentoml.exceptions import BentoMLException, NotFound
from pydantic import Field

from customer_revenue.choices import OWNER_ONLY
from customer_revenue.errors import CustomerRevenueError
from customer_revenue.periods import Period
from customer_revenue.service.bento_names import BUNDLE_ALIAS
from customer_revenue.service.prometheus_metrics import MULTIPROCESS_FOLDER
from customer_revenue.service.responses import BatchAnswer
from customer_revenue.settings import Settings, load_settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from customer_revenue.service.app import Application

SERVICE_STATEMENT_SECONDS = 60
"""Maximum time of a statement, unless the settings say otherwise."""

BATCH_ROUTE = "/payment/analytics/customers/batch"

METRICS_FOLDER = "METRICS_OF_CUSTOMER_REVENUE"
"""Environment variable by which the workers of one service know the folder of its metrics."""

FRUGAL_ALLOCATORS = {"MALLOC_ARENA_MAX": "2", "ARROW_DEFAULT_MEMORY_POOL": "system"}
"""Environment of the workers, unless it is set. Otherwise each thread keeps what it has freed for itself, in a heap of
Arrow's and an arena of glibc's: 100 MB more for each worker after a few imports."""

CONTAINER = "BENTOML_CONTAINERIZED"
"""Environment variable that the images of BentoML set."""


def service_settings() -> Settings:
    """The settings, with the service's own defaults: its statements are short, and a Bento serves its own bundle."""
    chosen = load_settings()
    own: dict[str, object] = {}
    if "statement_seconds" not in chosen.model_fields_set:
        own["statement_seconds"] = SERVICE_STATEMENT_SECONDS
    if not chosen.model_fields_set & {"model", "models"}:
        own["model"] = _own_bundle()
    return load_settings(**own)


def _own_bundle() -> str | None:
    """The folder of the bundle of the Bento that is served; None outside of one."""
    try:
        return str(bentoml.models.get(BUNDLE_ALIAS).path)
    except NotFound:
        return None


settings = service_settings()

if METRICS_FOLDER not in os.environ:  # in the process that starts the workers
    folder = os.environ.get(MULTIPROCESS_FOLDER)
    if folder is None:
        folder = tempfile.mkdtemp(prefix="customer-revenue-metrics-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[METRICS_FOLDER] = folder
    for name, value in FRUGAL_ALLOCATORS.items():
        os.environ.setdefault(name, value)
else:  # in a worker, which starts its server after this import
    from customer_revenue.service.connections import bound_connections

    bound_connections(settings)
# BentoML names one folder for all services of a user, and empties it whenever one of them starts.
os.environ[MULTIPROCESS_FOLDER] = os.environ[METRICS_FOLDER]


@cache
def application() -> Application:
    """The application, created on first use: the process that starts the workers does not import it."""
    from customer_revenue.service.app import create_app

    return create_app(settings, shared=True)


async def _mounted(scope: Scope, receive: Receive, send: Send) -> None:
    await application().api(scope, receive, send)


class PredictRoute:
    """BentoML's ``/predict`` as another address of the batch route: one validator, one shape of errors."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the API answer, or pass the request on."""
        if scope["type"] == "http" and scope["path"] == "/predict":
            scope = {**scope, "path": BATCH_ROUTE, "raw_path": BATCH_ROUTE.encode(), "root_path": ""}
            await application().api(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class MiddlewareStack:
    """The application's own middleware around everything that BentoML serves."""

    def __init__(self, app: ASGIApp) -> None:
        from customer_revenue.service.middleware import middleware_layers, wrap

        own = application()
        self._app = wrap(PredictRoute(app), middleware_layers(settings, own.serving_state, own.tracing))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        await self._app(scope, receive, send)


@bentoml.service(
    name="customer_revenue",
    # A container answers on all its addresses: what is not of its own machine needs a key.
    http={"host": "0.0.0.0" if os.environ.get(CONTAINER) else "127.0.0.1", "port": 3000},  # noqa: S104
    workers=settings.workers or "cpu_count",
    # Ours comes first, and stops the work. How many requests are let in is ours too (service/admission.py): BentoML
    # would refuse with an answer of another shape, and would count those that memory answers.
    traffic={"timeout": settings.request_seconds + 10},
    # BentoML's metrics and access log contain paths, which name customers.
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)
@bentoml.asgi_app(_mounted, path="/api")
class CustomerRevenueService:
    """Facts and predictions about customers."""

    def __init__(self) -> None:
        from customer_revenue.service.json_logs import configure_logging

        os.umask(OWNER_ONLY)  # here, and not for the process that builds a Bento, whose files others read
        configure_logging(settings.log_level)
        application().serving_state.warm_up()

    def __is_ready__(self) -> bool:
        """Whether ``/readyz`` responds 200."""
        ready: bool = application().serving_state.ready()
        return ready

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]  # bentoml's own
    def shut_down(self) -> None:
        """Write and send what waits to be: a worker ends by a signal, which skips functions at exit."""
        application().prediction_log.flush()
        application().tracing.stop()

    @bentoml.api  # type: ignore[untyped-decorator]  # bentoml's own
    def predict(
        self,
        customer_ids: Annotated[list[str], Field(min_length=1, description="Ids; the answer keeps their order.")],
        period: Annotated[Period, Field(description="Period of the summaries.")] = Period.ALL_TIME,
        include_predictions: Annotated[bool, Field(description="Whether to include predictions.")] = True,
        as_of: Annotated[str | None, Field(description="Compute as of the end of this day.")] = None,
    ) -> BatchAnswer:
        """Summaries and predictions of customers, in the order of the ids: the body of the batch route.

        Over HTTP :class:`PredictRoute` answers instead; this is for BentoML's tests and tools, which call it directly.
        """
        from pydantic import ValidationError

        from customer_revenue.service.routes.customer_batches import BatchRequest, answer_batch

        asked = {"customer_ids": customer_ids, "period": period, "include_predictions": include_predictions}
        try:
            batch = BatchRequest.model_validate({**asked, "as_of": as_of})
            body = answer_batch(batch, application().serving_state.current(), application().prediction_log)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            message = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            raise BentoMLException(message, error_code=HTTPStatus.UNPROCESSABLE_ENTITY) from None
        except CustomerRevenueError as error:
            raise BentoMLException(error.message, error_code=HTTPStatus(error.http_status)) from None
        return BatchAnswer.model_validate(body)


CustomerRevenueService.add_asgi_middleware(MiddlewareStack)  # type: ignore[attr-defined]  # a Service now
