"""The BentoML service: the HTTP application under ``/api``, and a thin method for BentoML's own clients.

The only module that imports bentoml. ``bentoml serve customer_revenue.service.bento:CustomerRevenueService``.
"""

from __future__ import annotations

from http import HTTPStatus

import bentoml
from bentoml.exceptions import BentoMLException

from customer_revenue.errors import CustomerRevenueError
from customer_revenue.service.app import create_app
from customer_revenue.service.dashboard.serving import Page
from customer_revenue.service.limits import BodyLimit
from customer_revenue.service.security import Access
from customer_revenue.settings import load_settings

settings = load_settings()
app = create_app(settings)


@bentoml.service(name="customer_revenue", http={"host": "127.0.0.1", "port": 3000}, workers="cpu_count")
@bentoml.asgi_app(app, path="/api")
class CustomerRevenueService:
    """Facts and predictions about customers."""

    def __init__(self) -> None:
        app.state.answering.warm_up()

    @bentoml.api  # type: ignore[untyped-decorator]  # bentoml's own
    def predict(self, customer_ids: list[str]) -> dict[str, object]:
        """Summaries and predictions of customers by id, in the order asked for: the body of the batch route."""
        try:
            answer: dict[str, object] = app.state.answering.current().batch(customer_ids)
        except CustomerRevenueError as error:
            raise BentoMLException(error.message, error_code=HTTPStatus(error.http_status)) from None
        return answer


CustomerRevenueService.add_asgi_middleware(Page)  # type: ignore[attr-defined]  # a Service now
CustomerRevenueService.add_asgi_middleware(Access, settings=settings)  # type: ignore[attr-defined]  # a Service now
CustomerRevenueService.add_asgi_middleware(BodyLimit, settings=settings)  # type: ignore[attr-defined]  # a Service now
