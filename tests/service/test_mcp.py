"""Assistants over the Model Context Protocol: 30 questions get what the API answers, and keys hold as they do there."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi.testclient import TestClient
from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from fastmcp.exceptions import ToolError
from tests.conftest import Shop, awaited, free_port

from customer_revenue.choices import Scope
from customer_revenue.keys import KeyFile
from customer_revenue.service.app import create_app
from customer_revenue.service.mcp_server import TOOLS, create_mcp_server
from customer_revenue.service.responses.glossary import GLOSSARY
from customer_revenue.settings import Settings, load_settings

pytestmark = pytest.mark.slow

ANALYTICS = "/api/payment/analytics"
WHO = {"user_id": "user_123"}


@dataclass(frozen=True)
class Question:
    """What an assistant is asked, the call that it makes, and where the API answers it."""

    words: str
    tool: str
    arguments: dict[str, Any]
    path: str
    parameters: dict[str, Any] | None = None


QUESTIONS = (
    Question("What has user_123 brought us?", "customer", WHO, "/customers/user_123/revenue"),
    Question("And this year?", "customer", {**WHO, "period": "ytd"}, "/customers/user_123/revenue", {"period": "ytd"}),
    Question(
        "Month by month, and by product?",
        "customer",
        {**WHO, "breakdown": "monthly,by_product"},
        "/customers/user_123/revenue",
        {"breakdown": "monthly,by_product"},
    ),
    Question(
        "What was known of them in November?",
        "customer",
        {**WHO, "as_of": "2023-11-01"},
        "/customers/user_123/revenue",
        {"as_of": "2023-11-01"},
    ),
    Question(
        "Facts alone?",
        "customer",
        {**WHO, "include_predictions": False},
        "/customers/user_123/revenue",
        {"include_predictions": "false"},
    ),
    Question("What should we do about user_123?", "customer_actions", WHO, "/customers/user_123/actions"),
    Question("What may we offer them?", "customer_offer", WHO, "/customers/user_123/offer"),
    Question("How do we keep them?", "customer_retention", WHO, "/customers/user_123/retention"),
    Question("What else might they buy?", "customer_upsell", WHO, "/customers/user_123/upsell"),
    Question("What will they bring?", "customer_forecast", WHO, "/customers/user_123/forecast"),
    Question(
        "In half a year?", "customer_forecast", {**WHO, "months": 6}, "/customers/user_123/forecast", {"months": 6}
    ),
    Question("Which orders did they place?", "customer_orders", WHO, "/customers/user_123/timeline"),
    Question("Who is user_12…?", "search", {"q": "user_12"}, "/search", {"q": "user_12"}),
    Question("Who are our best customers?", "top_customers", {"limit": 5}, "/top-customers", {"limit": 5}),
    Question(
        "By predicted lifetime value?",
        "top_customers",
        {"by": "estimated_ltv_cents", "limit": 5},
        "/top-customers",
        {"by": "estimated_ltv_cents", "limit": 5},
    ),
    Question("Whom are we about to lose?", "at_risk", {"limit": 5}, "/at-risk", {"limit": 5}),
    Question(
        "Where is most value at risk?",
        "at_risk",
        {"by": "value_at_risk_cents", "limit": 5},
        "/at-risk",
        {"by": "value_at_risk_cents", "limit": 5},
    ),
    Question("What should we do first?", "decisions", {}, "/actions"),
    Question("How many customers has each segment?", "segments", {}, "/segments"),
    Question("How is revenue spread over segments?", "distribution", {}, "/distribution"),
    Question("How do cohorts come back?", "cohorts", {}, "/cohorts"),
    Question("By quarter?", "cohorts", {"unit": "quarter"}, "/cohorts", {"unit": "quarter"}),
    Question("What has each cohort brought?", "cohort_money", {}, "/cohort-money"),
    Question("How often do customers buy?", "purchase_frequency", {}, "/purchase-frequency"),
    Question("How has the base changed?", "trends", {}, "/trends"),
    Question("What are the RFM groups?", "rfm", {}, "/rfm"),
    Question("What will the shop take in a year?", "forecast", {}, "/forecast"),
    Question("And in three months?", "forecast", {"months": 3}, "/forecast", {"months": 3}),
    Question("What do we earn?", "profit", {}, "/profit"),
    Question("How good were the predictions?", "model", {}, "/model"),
)


def settings_of(shop: Shop, **more: object) -> Settings:
    folder = shop.folder
    files = {"keys": folder / "data" / "keys.json", "campaigns": folder / "data" / "campaigns.sqlite"}
    store = f"duckdb:///{folder}/data/orders.duckdb"
    return load_settings(**{"store": store, "models": folder / "models", **files, **more})


def without_moment(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "meta": {name: value for name, value in body["meta"].items() if name != "calculation_date"}}


async def called(client: Client[Any], question: Question) -> dict[str, Any]:
    result = await client.call_tool(question.tool, question.arguments)
    return cast("dict[str, Any]", result.structured_content)


def test_thirty_questions_are_answered_as_the_api_answers_them(trained_shop: Shop) -> None:
    settings = settings_of(trained_shop)
    with TestClient(create_app(settings), base_url="http://localhost", client=("127.0.0.1", 50_000)) as api:
        expected = [api.get(f"{ANALYTICS}{one.path}", params=one.parameters).json() for one in QUESTIONS]

    async def conversation() -> list[dict[str, Any]]:
        async with Client(create_mcp_server(settings)) as client:
            return [await called(client, question) for question in QUESTIONS]

    assert len(QUESTIONS) == 30
    for question, found, body in zip(QUESTIONS, awaited(conversation), expected, strict=True):
        assert body["success"], question.words
        assert without_moment(found) == without_moment(body), question.words


def test_tools_read_only_and_are_named_and_described(trained_shop: Shop) -> None:
    async def listed() -> tuple[list[Any], dict[str, Any]]:
        async with Client(create_mcp_server(settings_of(trained_shop))) as client:
            defined = await client.call_tool("definitions", {"field": "churn"})
            return await client.list_tools(), cast("dict[str, Any]", defined.structured_content)

    tools, defined = awaited(listed)
    assert {tool.name for tool in tools} == {*TOOLS.values(), "definitions"}
    for tool in tools:
        assert tool.description, tool.name
        assert tool.annotations is not None, tool.name
        assert tool.annotations.read_only_hint, tool.name
    assert defined == {name: text for name, text in GLOSSARY.items() if "churn" in name}


def test_what_the_api_refuses_is_refused_in_its_words(trained_shop: Shop) -> None:
    async def refused(tool: str, arguments: dict[str, Any]) -> str:
        async with Client(create_mcp_server(settings_of(trained_shop))) as client:
            with pytest.raises(ToolError) as error:
                await client.call_tool(tool, arguments)
            return str(error.value)

    assert "customer_not_found" in awaited(refused, "customer", {"user_id": "nobody"})
    assert "as_of" in awaited(refused, "customer", {**WHO, "as_of": "soon"})


def test_a_key_holds_by_standard_input_as_it_does_over_http(trained_shop: Shop, tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    reading = keys.add("reading", frozenset({Scope.READ}), None).split()[-1]
    measuring = keys.add("measuring", frozenset({Scope.METRICS}), None).split()[-1]

    async def answer(key: str) -> str:
        settings = settings_of(trained_shop, keys=tmp_path / "keys.json", mcp_key=key)
        async with Client(create_mcp_server(settings)) as client:
            try:
                return str(await called(client, QUESTIONS[0]))
            except ToolError as error:
                return str(error)

    assert "'customer_id': 'user_123'" in awaited(answer, reading)
    assert "no read scope" in awaited(answer, measuring)
    assert "unauthorized" in awaited(answer, "")


@pytest.mark.process
def test_the_command_talks_by_standard_input_and_output(trained_shop: Shop) -> None:
    async def asked() -> dict[str, Any]:
        command = ["-m", "customer_revenue", "mcp"]
        transport = StdioTransport(
            sys.executable, command, env=dict(trained_shop.environment), cwd=str(trained_shop.folder)
        )
        async with Client(transport) as client:
            return await called(client, QUESTIONS[0])

    assert without_moment(awaited(asked)) == without_moment(trained_shop.show("user_123"))


@contextmanager
def over_http(shop: Shop, keys: Path) -> Iterator[str]:
    port = free_port()
    environment = {**shop.environment, "CUSTOMER_REVENUE_KEYS": str(keys)}
    command = [sys.executable, "-m", "customer_revenue", "mcp", "--http", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=shop.folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            for _ in range(600):
                try:
                    httpx.get(f"http://127.0.0.1:{port}/mcp", timeout=5)
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()


@pytest.mark.servers
def test_over_http_each_caller_has_their_own_key(trained_shop: Shop, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"

    async def answer(url: str, **headers: str) -> str:
        async with Client(StreamableHttpTransport(url, headers=headers)) as client:
            try:
                return str(await called(client, QUESTIONS[0]))
            except ToolError as error:
                return str(error)

    with over_http(trained_shop, keys) as url:
        assert "'customer_id': 'user_123'" in awaited(answer, url)
        assert "unauthorized" in awaited(answer, url, Host="elsewhere.example")
        key = KeyFile(keys).add("reading", frozenset({Scope.READ}), None).split()[-1]
        assert "unauthorized" in awaited(answer, url)
        assert "'customer_id': 'user_123'" in awaited(answer, url, Authorization=f"Bearer {key}")
        assert "'customer_id': 'user_123'" in awaited(answer, url, **{"X-API-Key": key})
