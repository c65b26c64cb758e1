"""The BentoML service: the HTTP application under ``/api``, and a thin method for BentoML's own clients.

The only module that imports bentoml. ``bentoml serve customer_revenue.service.bento:CustomerRevenueService``.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING

import bentoml
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml.exceptions import BentoMLException

from customer_revenue.errors import CustomerRevenueError
from customer_revenue.settings import load_settings

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Receive, Scope, Send

STATEMENT_SECONDS = 60
"""What a client waits for at most, where the settings do not say."""

settings = load_settings()
if "statement_seconds" not in settings.model_fields_set:
    settings = load_settings(statement_seconds=STATEMENT_SECONDS)

if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:  # in the process that starts the workers
    # All services of a user would share one folder, and each would empty it when it starts.
    folder = tempfile.mkdtemp(prefix="customer-revenue-metrics-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    BentoMLContainer.prometheus_multiproc_dir.set(folder)


@cache
def application() -> FastAPI:
    """The application, made when it is first needed: what only starts the workers is spared seconds of imports."""
    from customer_revenue.service.app import create_app

    return create_app(settings)


async def _mounted(scope: Scope, receive: Receive, send: Send) -> None:
    await application()(scope, receive, send)


class Around:
    """Our middleware, the outermost first, around everything that BentoML serves."""

    def __init__(self, app: ASGIApp) -> None:
        from customer_revenue.service.authentication import Access
        from customer_revenue.service.body_limit import BodyLimit
        from customer_revenue.service.dashboard.page_files import Page
        from customer_revenue.service.json_logs import AccessLog
        from customer_revenue.service.request_middleware import MetricsPage, Watching

        limited = BodyLimit(app, settings)
        measured = MetricsPage(limited, application().state.answering)
        guarded = Page(Access(measured, settings))
        self._app = Watching(guarded, AccessLog(enabled=settings.log_level in ("DEBUG", "INFO")))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        await self._app(scope, receive, send)


@bentoml.service(
    name="customer_revenue",
    http={"host": "127.0.0.1", "port": 3000},
    workers="cpu_count",
    # BentoML's metrics and access log have a label and a line for every address, which hold customers and never end.
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)
@bentoml.asgi_app(_mounted, path="/api")
class CustomerRevenueService:
    """Facts and predictions about customers."""

    def __init__(self) -> None:
        from customer_revenue.service.json_logs import configure_logging

        configure_logging(settings.log_level)
        application().state.answering.warm_up()

    def __is_ready__(self) -> bool:
        """What ``/readyz`` answers."""
        ready: bool = application().state.answering.ready()
        return ready

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]  # bentoml's own
    def shut_down(self) -> None:
        """Write what the prediction log still holds: a worker ends by a signal, which runs nothing at exit."""
        application().state.prediction_log.flush()

    @bentoml.api  # type: ignore[untyped-decorator]  # bentoml's own
    def predict(self, customer_ids: list[str]) -> dict[str, object]:
        """Summaries and predictions of customers by id, in the order asked for: the body of the batch route."""
        from customer_revenue.service.routes.customer_batches import count_predictions, log_predictions

        try:
            answers = application().state.answering.current()
            answer: dict[str, object] = answers.batch(customer_ids)
        except CustomerRevenueError as error:
            raise BentoMLException(error.message, error_code=HTTPStatus(error.http_status)) from None
        count_predictions(answer)
        log_predictions(application().state.prediction_log, answer, answers)
        return answer


CustomerRevenueService.add_asgi_middleware(Around)  # type: ignore[attr-defined]  # a Service now
