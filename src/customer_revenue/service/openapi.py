"""The OpenAPI document: the response of every path, with an example of each response and each error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

ROUTE_PREFIX = "/payment/analytics/"
EXAMPLES = Path(__file__).with_name("examples")
"""Example responses, from the specification's example customer among simulated ones; lists are shortened."""

ERROR_SCHEMA = {"$ref": "#/components/schemas/ErrorAnswer"}

AS_CSV = frozenset({"actions", "campaigns_customers", "dashboard_actions", "dashboard_customers"})
"""Operations that return CSV on request."""

ERROR_EXAMPLES: Mapping[int, tuple[str, str, str]] = {
    400: (
        "The request states its length in two ways.",
        "bad_request",
        "send either Content-Length or Transfer-Encoding, and not both",
    ),
    401: (
        "No valid API key.",
        "unauthorized",
        "send a valid API key as `Authorization: Bearer KEY` or `X-API-Key: KEY`",
    ),
    403: ("The API key lacks the scope.", "forbidden", "the key reports has no batch scope"),
    404: ("No such customer in the store.", "customer_not_found", "no customer 'user_999' by 2023-12-15"),
    408: (
        "The body of the request took too long.",
        "too_slow",
        "the body of the request did not come in time",
    ),
    409: (
        "The gate refused the version, or no earlier champion is on record.",
        "gate_refused",
        "the gate refused 20231215-20240102T030405060708",
    ),
    413: ("The body is too large.", "too_large", "the request body exceeds the maximum of 16777216 bytes"),
    422: (
        "A parameter is outside its allowed values.",
        "invalid_parameter",
        "breakdown: the value is not one of monthly, quarterly, by_product",
    ),
    429: (
        "The API key has sent too many requests.",
        "too_many_requests",
        "the key reports may send 60 requests per minute to each worker; wait 12 s",
    ),
    502: (
        "The webhook leads to a private network, does not answer, or refuses.",
        "webhook_failed",
        "the webhook at hooks.example.com answered with status 404: no_service",
    ),
    503: (
        "No store or no model can answer, or too many requests are waiting (with `Retry-After`).",
        "model_not_found",
        "no model at models/current; `customer-revenue train` makes one",
    ),
}
"""What each error means, with the code and the message of its example."""

OVERLOADED = ("overloaded", "too many requests of this kind are waiting already; try again in a few seconds")
OF_ONE_CUSTOMER = frozenset({404})
OF_ONE_CAMPAIGN = frozenset(
    {
        "campaigns_report",
        "campaigns_customers",
        "campaigns_learn",
        "campaigns_remove",
        "campaigns_send",
        "dashboard_play",
    }
)
"""Operations that know no campaign of another name."""
NO_CAMPAIGN = ("No such campaign.", "campaign_not_found", "campaign: 'summer' is not one of spring")
OF_WEBHOOK = frozenset({"campaigns_send"})
OF_BODIES = frozenset({400, 408, 413})
OF_CHAMPION = frozenset({"models_promote", "models_rollback"})
"""Operations that the gate or the record may refuse, with 409."""
OF_POLICY = frozenset({"policy_save", "policy_undo"})
"""Operations that a file which cannot be written refuses, with 409."""
NOT_SAVED = (
    "The policy file cannot be written, or nothing is kept.",
    "settings_not_saved",
    "the folder of policy.toml is read-only for the service: change the file where it comes from",
)

ETAG = {"description": "Tag of the response's content.", "schema": {"type": "string"}}
REQUEST_ID = {
    "description": "Id of the request in the log: the client's own, if it sent one.",
    "schema": {"type": "string"},
}
RETRY_AFTER = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "Tag of the response that the client has; 304 if it is unchanged.",
    "schema": {"type": "string"},
}


def operation_id(route: APIRoute) -> str:
    """A route's own name, or that of its path: ``customers_revenue`` for ``…/customers/{user_id}/revenue``."""
    if route.operation_id:
        return route.operation_id
    parts = route.path_format.removeprefix(ROUTE_PREFIX).replace("-", "_").split("/")
    return "_".join(part for part in parts if not part.startswith("{"))


def example(name: str) -> Any:
    """An operation's example response."""
    return json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))


def describe(app: FastAPI) -> None:
    """Give an app the complete document, made on the first request for it."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way


def _document(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    made["servers"] = [{"url": "/api"}]
    made["components"]["securitySchemes"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key; not needed while no keys exist.",
        },
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same."},
    }
    made["security"] = [{}, {"bearer": []}, {"header": []}]
    for operations in made["paths"].values():
        for method, operation in operations.items():
            _complete(operation, method)
    return made


def _complete(operation: dict[str, Any], method: str) -> None:
    name = operation["operationId"]
    content = operation["responses"]["200"]["content"]
    content["application/json"]["example"] = example(name)
    if name in AS_CSV:
        content["text/csv"] = {"schema": {"type": "string", "description": "The same rows, after a header line."}}
    headers = {"x-request-id": REQUEST_ID} | ({"etag": ETAG} if method == "get" else {})
    responses: dict[str, Any] = {"200": {"description": "The response.", "headers": headers, "content": content}}
    if method == "get":
        operation.setdefault("parameters", []).append(IF_NONE_MATCH)
        responses["304"] = {"description": "The client already has this response.", "headers": headers}
    for status, (meaning, code, message) in ERROR_EXAMPLES.items():
        if status in OF_ONE_CUSTOMER:
            if name in OF_ONE_CAMPAIGN:
                meaning, code, message = NO_CAMPAIGN
            elif "user_id" not in json.dumps(operation.get("parameters", [])):
                continue
        if (status in OF_BODIES and method == "get") or (status == 409 and name not in OF_CHAMPION | OF_POLICY):
            continue
        if status == 502 and name not in OF_WEBHOOK:
            continue
        if status == 409 and name in OF_POLICY:
            meaning, code, message = NOT_SAVED
        body = _error(code, message)
        shown: dict[str, Any] = {"schema": ERROR_SCHEMA, "example": body}
        if status == 503:
            del shown["example"]
            shown["examples"] = {code: {"value": body}, "overloaded": {"value": _error(*OVERLOADED)}}
        responses[str(status)] = {
            "description": meaning,
            "headers": {"retry-after": RETRY_AFTER} if status in (429, 503) else {},
            "content": {"application/json": shown},
        }
    operation["responses"] = responses


def _error(code: str, message: str) -> dict[str, Any]:
    return {"success": False, "error": {"code": code, "message": message, "details": []}}
