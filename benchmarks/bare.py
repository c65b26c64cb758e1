"""The service with one route more, that answers with a constant: what the same middleware costs alone.

``bentoml serve benchmarks.bare:CustomerRevenueService``; ``BARE_BYTES`` is the constant's size. There is one worker:
which of several gets a client's connection is luck, and would be most of what a comparison shows.
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


application().router.routes.insert(0, APIRoute("/bare", bare, include_in_schema=False))
