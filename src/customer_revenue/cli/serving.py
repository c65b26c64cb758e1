"""The commands ``serve`` and ``mcp``."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from customer_revenue.cli.options import AsOfDay, StoreUrl, optional_day, settings_for
from customer_revenue.errors import CustomerRevenueError

MCP_SERVER = "customer_revenue.service.mcp_server"
SERVICE = "customer_revenue.service.bento:CustomerRevenueService"


def serve(
    store: StoreUrl = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 3000,
    as_of: AsOfDay = None,
) -> None:
    """Serve the HTTP API and the dashboard page."""
    from customer_revenue.workflows.customers.answers import Answers

    settings = settings_for(store)
    environment = service_environment(settings.store)
    if day := optional_day(as_of):
        environment["CUSTOMER_REVENUE_AS_OF"] = day.isoformat()
    Answers.open(settings, try_first=True).close()
    os.environ.update(environment)
    command = service_command(host, port)
    os.execv(sys.executable, command)  # noqa: S606  # no shell, and our own arguments


def mcp(
    store: StoreUrl = None,
    http: Annotated[
        bool, typer.Option("--http/--stdio", help="Talk over HTTP, at /mcp, instead of by standard input and output.")
    ] = False,
    host: Annotated[str, typer.Option(help="Address to listen on, with --http.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on, with --http.")] = 3001,
) -> None:
    """Answer assistants by the Model Context Protocol (MCP): the API's questions as tools that only read."""
    if find_spec("fastmcp") is None:
        raise CustomerRevenueError("MCP needs its extra: pip install 'customer-revenue[mcp]'")
    os.environ["CUSTOMER_REVENUE_STORE"] = settings_for(store).store
    command = [sys.executable, "-m", MCP_SERVER, *([f"{host}:{port}"] if http else [])]
    os.execv(sys.executable, command)  # noqa: S606  # no shell, and our own arguments


def service_environment(store: str) -> dict[str, str]:
    """The variables of a service of a store."""
    return {"CUSTOMER_REVENUE_STORE": store, "BENTOML_DO_NOT_TRACK": "True"}


def service_command(host: str, port: int) -> list[str]:
    """The command line of a service."""
    return [sys.executable, "-m", "bentoml", "serve", SERVICE, "--host", host, "--port", str(port)]
