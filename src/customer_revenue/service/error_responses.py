"""Errors as HTTP responses, all of one shape."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from customer_revenue.errors import CustomerRevenueError, InvalidParameter

logger = logging.getLogger(__name__)

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


def _package_error(_request: Request, error: CustomerRevenueError) -> JSONResponse:
    if error.http_status >= 500:
        logger.warning("%s: %s", error.code, error.message)
    return error_response(error.http_status, error.code, error.message, error.details)


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
    name = ".".join(str(part) for part in where[1:]) or str(where[0])
    return f"{name}: {item['msg']}"
