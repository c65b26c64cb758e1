"""Errors as HTTP responses, all of one shape."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from customer_revenue.errors import CustomerRevenueError, InvalidParameter

logger = logging.getLogger(__name__)

STATUS_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 429: "too_many_requests"}


class ErrorDetail(BaseModel):
    """What went wrong."""

    code: str = Field(description="Stable code that a client may branch on.", examples=["customer_not_found"])
    message: str = Field(description="One sentence for people.", examples=["no customer 'user_999'"])
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
    """The response to an error of ours; only the log says more."""
    return error_response(500, "internal_error", "the service failed; its log says why")


def add_error_handlers(app: FastAPI) -> None:
    """Give every error of the app the one shape; no traceback reaches a client."""

    @app.exception_handler(CustomerRevenueError)
    def ours(_: Request, error: CustomerRevenueError) -> JSONResponse:
        if error.http_status >= 500:
            logger.warning("%s: %s", error.code, error.message)
        return error_response(error.http_status, error.code, error.message, error.details)

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        problems = [_problem(item) for item in error.errors()]
        return error_response(422, InvalidParameter.code, problems[0], problems[1:])

    @app.exception_handler(HTTPException)
    def http(_: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400:  # FastAPI's own, for a body that is no JSON at all
            return error_response(422, InvalidParameter.code, "the body is not valid JSON")
        code = STATUS_CODES.get(error.status_code, "http_error")
        response = error_response(error.status_code, code, str(error.detail))
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    def unexpected(_: Request, _error: Exception) -> JSONResponse:  # logged by the outermost middleware
        return internal_error()


def _problem(item: dict[str, object]) -> str:
    """One validation problem as one line that names the parameter and, where there are any, the allowed values."""
    where = item["loc"]
    assert isinstance(where, tuple)
    name = ".".join(str(part) for part in where[1:]) or str(where[0])
    return f"{name}: {item['msg']}"
