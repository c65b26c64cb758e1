"""The Model Context Protocol (MCP) for assistants: the API's questions as tools that only read.

Each tool is a GET route of the API, asked within this process with the caller's key, so that authentication, scopes,
limits, answers and errors are the API's own. Needs the extra ``mcp``.
"""

from __future__ import annotations

import logging
import sys
from typing import Annotated, Any

import httpx2
from fastmcp import FastMCP
from fastmcp.server.dependencies import get_http_headers, get_http_request
from fastmcp.server.providers.openapi import MCPType, OpenAPITool, RouteMap
from mcp.types import ToolAnnotations
from pydantic import Field
from starlette.types import ASGIApp, Receive, Scope, Send

from customer_revenue import __version__
from customer_revenue.service.app import create_app
from customer_revenue.service.responses.glossary import GLOSSARY
from customer_revenue.settings import Settings, load_settings

INSTRUCTIONS = """Facts and predictions about the customers of one shop. Nothing can be changed.

Money is in whole cents of `meta.currency`; `meta.calculation_date` is the moment that an answer is as of. Ask
`definitions` what a field means before you explain it, and `model` how good the predictions were in back-tests before
you rely on them. Find the id of a customer by `search`."""

TOOLS = {
    "customers_revenue": "customer",
    "customers_actions": "customer_actions",
    "customers_offer": "customer_offer",
    "customers_retention": "customer_retention",
    "customers_upsell": "customer_upsell",
    "customers_forecast": "customer_forecast",
    "customers_timeline": "customer_orders",
    "search": "search",
    "top_customers": "top_customers",
    "at_risk": "at_risk",
    "actions": "decisions",
    "segments": "segments",
    "segment_flows": "segment_flows",
    "rfm": "rfm",
    "cohorts": "cohorts",
    "cohort_money": "cohort_money",
    "distribution": "distribution",
    "purchase_frequency": "purchase_frequency",
    "order_sequence": "order_sequence",
    "trends": "trends",
    "profit": "profit",
    "acquisition": "acquisition",
    "refunds_to_come": "refunds_to_come",
    "forecast": "forecast",
    "campaigns": "campaigns",
    "campaigns_report": "campaign_report",
    "model": "model",
    "models": "models",
}
"""The API's operations that are tools, and what assistants call them; others are left out."""

LOCAL = ("127.0.0.1", 0)
"""The client of what comes by standard input: this machine's own."""


class CallerOf:
    """The API, asked as whoever asks the MCP server: with their address, their host name and their key."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        given = [(name, value) for name, value in scope["headers"] if name not in (b"host", b"x-api-key")]
        try:
            caller = get_http_request()
        except RuntimeError:  # by standard input, by whoever could start this process
            scope = {**scope, "client": LOCAL}
            given += [(b"host", b"localhost")] + ([(b"x-api-key", self._key.encode())] if self._key else [])
        else:
            scope = {**scope, "client": tuple(caller.client) if caller.client else ("", 0)}
            sent = get_http_headers(include={"authorization", "host"})
            names = ("host", "authorization", "x-api-key")
            given += [(name.encode(), sent[name].encode("latin-1")) for name in names if name in sent]
        await self._app({**scope, "headers": given}, receive, send)


def create_mcp_server(settings: Settings) -> FastMCP[Any]:
    """The server of a store.

    Args:
        settings: the store, the models and the keys; ``mcp_key`` is sent with what comes by standard input.
    """
    # The access log is written to the standard output, where the protocol is.
    app = create_app(settings.model_copy(update={"log_level": "WARNING"}))
    transport = httpx2.ASGITransport(CallerOf(app, settings.mcp_key.get_secret_value()), raise_app_exceptions=False)
    server: FastMCP[Any] = FastMCP.from_openapi(
        _readable(app.api.openapi()),
        httpx2.AsyncClient(transport=transport, base_url="http://localhost/api"),
        name="customer-revenue",
        version=__version__,
        instructions=INSTRUCTIONS,
        route_maps=[RouteMap(mcp_type=MCPType.TOOL)],
        mcp_component_fn=_read_only,
        mcp_names=TOOLS,
    )
    server.tool(definitions, annotations=ToolAnnotations(read_only_hint=True))
    return server


def _read_only(_route: object, component: object) -> None:
    assert isinstance(component, OpenAPITool), "all routes are tools"
    component.annotations = ToolAnnotations(read_only_hint=True)


def _readable(document: dict[str, Any]) -> dict[str, Any]:
    """The document without what is not read: a path with several methods keeps its GET."""
    paths = {
        path: {"get": operations["get"]}
        for path, operations in document["paths"].items()
        if operations.get("get", {}).get("operationId") in TOOLS
    }
    return {**document, "paths": paths}


def definitions(
    field: Annotated[str, Field(description="A field, or part of its name; all fields if it is empty.")] = "",
) -> dict[str, str]:
    """What the fields of the answers mean."""
    return {name: text for name, text in GLOSSARY.items() if field.lower() in name.lower()}


def main(address: str = "") -> None:
    """Serve at an address over HTTP, or by standard input and output.

    Args:
        address: ``HOST:PORT``; empty for standard input and output.
    """
    settings = load_settings()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    server = create_mcp_server(settings)
    if address:
        host, _, port = address.rpartition(":")
        server.run("http", show_banner=False, host=host, port=int(port))
    else:
        server.run("stdio", show_banner=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
