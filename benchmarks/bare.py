"""The service with one extra route that returns a constant: the cost of the middleware alone.

``bentoml serve benchmarks.bare:CustomerRevenueService``; ``BARE_BYTES`` is the size of the constant. There is only one
worker: with several, which one gets a client's connection is random and would dominate a comparison.
"""

from __future__ import annotations

import os

from fastapi.responses import Response
from fastapi.routing import APIRoute

from customer_revenue.service.bento import CustomerRevenueService, application

__all__ = ["CustomerRevenueService"]

CustomerRevenueService.config["workers"] = 1
CONSTANT = b'"' + b"x" * (int(os.environ.get("BARE_BYTES", "2000")) - 2) + b'"'


async def bare() -> Response:
    return Response(CONSTANT, media_type="application/json")


application().api.router.routes.insert(0, APIRoute("/bare", bare, include_in_schema=False))
