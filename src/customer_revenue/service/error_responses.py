"""Errors as HTTP responses, all of one shape."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from customer_revenue.errors import CustomerRevenueError, InvalidParameter, Overloaded

logger = logging.getLogger(__name__)

OVERLOADED_RETRY_SECONDS = 5
"""After which a client that met a full queue may try again."""
FIELD_NAME = re.compile(r"[a-z_]{1,40}")
QUOTED = re.compile(r"""(?<!\w)(['"])(.*?)\1(?!\w)""", re.S)
ERROR_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 429: "too_many_requests"}


class ErrorDetail(BaseModel):
    """Details of an error."""

    code: str = Field(description="Stable code that a client may branch on.", examples=["customer_not_found"])
    message: str = Field(description="A sentence for people.", examples=["no customer 'user_999'"])
    details: list[str] = Field(description="Further lines, such as the allowed values.", examples=[[]])


class ErrorAnswer(BaseModel):
    """The shape of every error."""

    success: bool = Field(default=False, description="Always false.", examples=[False])
    error: ErrorDetail = Field(description="The error itself.")


def error_response(status: int, code: str, message: str, details: Sequence[str] = ()) -> JSONResponse:
    """An error in the documented shape."""
    body = {"success": False, "error": {"code": code, "message": message, "details": list(details)}}
    return JSONResponse(body, status_code=status)


def internal_error() -> JSONResponse:
    """The response to an unexpected error; the log has the details."""
    return error_response(500, "internal_error", "internal error; the log has the details")


def _package_error(request: Request, error: CustomerRevenueError) -> JSONResponse:
    if error.http_status == 404:
        return error_response(404, error.code, error.message, error.details)
    message = _without_values(error.message, request)
    if isinstance(error, Overloaded):  # counted, and not logged: there may be thousands
        response = error_response(error.http_status, error.code, message)
        response.headers["Retry-After"] = str(OVERLOADED_RETRY_SECONDS)
        return response
    if error.http_status >= 500:
        logger.warning("%s: %s", error.code, message)
    return error_response(error.http_status, error.code, message, error.details)


def _validation_error(_request: Request, error: RequestValidationError) -> JSONResponse:
    problems = [_problem(item) for item in error.errors()]
    return error_response(422, InvalidParameter.code, problems[0], problems[1:])


def _http_exception(_request: Request, error: HTTPException) -> JSONResponse:
    if error.status_code == 400:  # FastAPI's, for a body that is not JSON
        return error_response(422, InvalidParameter.code, "the body is not valid JSON")
    code = ERROR_CODES.get(error.status_code, "http_error")
    response = error_response(error.status_code, code, str(error.detail))
    response.headers.update(error.headers or {})
    return response


def _unexpected_error(_request: Request, _error: Exception) -> JSONResponse:
    return internal_error()  # RequestMiddleware logs it


ERROR_HANDLERS: dict[Any, Callable[[Request, Any], Any]] = {
    CustomerRevenueError: _package_error,
    RequestValidationError: _validation_error,
    HTTPException: _http_exception,
    Exception: _unexpected_error,
}
"""Handlers that give every error the documented shape, for FastAPI and Starlette applications."""


def _problem(item: dict[str, object]) -> str:
    """A validation problem as one line that names the parameter and any allowed values."""
    where = item["loc"]
    assert isinstance(where, tuple)
    name = ".".join(_known(part) for part in where[1:]) or str(where[0])
    return f"{name}: {item['msg']}"


def _known(part: object) -> str:
    """A part of a place in a request; the name of an unknown field may be anything, such as an e-mail address."""
    return str(part) if isinstance(part, int) or FIELD_NAME.fullmatch(str(part)) else "a field"


def _without_values(message: str, request: Request) -> str:
    """A message without the values of the request that it quotes, which may be ids, names or e-mail addresses.

    Of a body, which has been read by then, every quoted value counts.
    """
    asked = [part.strip() for value in request.query_params.values() for part in (value, *value.split(","))]
    asked += request.url.path.split("/")

    def hidden(quoted: re.Match[str]) -> str:
        begins = any(quoted[2] and value.startswith(quoted[2]) for value in asked)
        return "the value" if begins or request.method == "POST" else quoted[0]

    return QUOTED.sub(hidden, message)
