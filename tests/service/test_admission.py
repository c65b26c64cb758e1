"""What is costly goes ahead a few at a time and stops when nobody waits for it; customers in memory are not held up."""

from __future__ import annotations

import asyncio
import pkgutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import httpx
import pytest
from fastapi import Request, Response
from starlette.types import Message
from tests.conftest import awaited
from tests.service.conftest import Service

from customer_revenue.errors import Overloaded
from customer_revenue.service import routes
from customer_revenue.service.admission import (
    BATCHES_AT_ONCE,
    BATCHES_WAITING,
    CLIENT_GONE,
    Admission,
    BatchRoute,
    StoreRoute,
    Unwanted,
    check_wanted,
)

ANALYTICS = "/payment/analytics"
BATCH = "/api/payment/analytics/customers/batch"
CLIENTS = 24
IDS = [f"c{number}" for number in range(800)] * 12 + [f"c{number}" for number in range(400)]


class Connection:
    """A client's connection: its request has come, and it can be closed."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()
        self._sent = False

    async def receive(self) -> Message:
        if not self._sent:
            self._sent = True
            return {"type": "http.request", "body": b"{}", "more_body": False}
        await self.closed.wait()
        return {"type": "http.disconnect"}

    @property
    def request(self) -> Request:
        return Request({"type": "http", "method": "POST", "path": "/", "headers": []}, self.receive)


class Work:
    """Work in a thread that goes on until it is stopped or done."""

    def __init__(self) -> None:
        self.running, self.stopped = 0, 0
        self.done = threading.Event()

    async def handle(self, _request: Request) -> Response:
        await asyncio.to_thread(self._run)
        return Response("done")

    def _run(self) -> None:
        self.running += 1
        try:
            while not self.done.wait(0.005):
                check_wanted()
        except Unwanted:
            self.stopped += 1
            raise
        finally:
            self.running -= 1


async def until(what: Any) -> None:
    async with asyncio.timeout(10):
        while not what():
            await asyncio.sleep(0.005)


def test_a_full_queue_is_said_at_once_and_the_others_have_their_turn() -> None:
    async def ask() -> tuple[list[Any], int]:
        admission, work = Admission(10), Work()
        asked = [
            asyncio.ensure_future(admission.answered(admission.batches, Connection().request, work.handle))
            for _ in range(BATCHES_AT_ONCE + BATCHES_WAITING + 3)
        ]
        await until(lambda: sum(one.done() for one in asked) == 3)
        running = work.running
        work.done.set()
        return await asyncio.gather(*asked, return_exceptions=True), running

    answers, running = awaited(ask)
    assert running == BATCHES_AT_ONCE
    assert [type(answer) for answer in answers].count(Overloaded) == 3
    assert [answer.status_code for answer in answers if isinstance(answer, Response)] == [200] * 5


@pytest.mark.parametrize("why", ["client", "deadline"])
def test_work_that_nobody_waits_for_is_stopped_and_leaves_the_queue(why: str) -> None:
    async def ask() -> tuple[list[Any], Work, Any]:
        admission, work, later = Admission(10 if why == "client" else 0.2), Work(), Work()
        connections = [Connection(), Connection()]
        asked = [
            asyncio.ensure_future(admission.answered(admission.batches, one.request, work.handle))
            for one in connections
        ]
        await until(lambda: work.running == 1)
        if why == "client":
            for one in connections:
                one.closed.set()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        await until(lambda: work.stopped == 1)
        later.done.set()
        last = await admission.answered(admission.batches, Connection().request, later.handle)
        return answers, work, last

    answers, work, last = awaited(ask)
    if why == "client":
        assert [answer.status_code for answer in answers] == [CLIENT_GONE] * 2
    else:
        assert [type(answer) for answer in answers] == [Overloaded] * 2
    assert (work.running, work.stopped) == (0, 1), "the one that waited has never begun"
    assert last.status_code == 200


def test_every_route_queues_but_those_that_look_into_memory_or_at_files() -> None:
    modules = (import_module(f"{routes.__name__}.{found.name}") for found in pkgutil.iter_modules(routes.__path__))
    found = [route for module in modules if hasattr(module, "router") for route in module.router.routes]
    assert len(found) > 30
    free = {route.path for route in found if not isinstance(route, BatchRoute | StoreRoute)}
    models = {f"{ANALYTICS}/models", f"{ANALYTICS}/models/promote", f"{ANALYTICS}/models/rollback"}
    keys = {f"{ANALYTICS}/keys", f"{ANALYTICS}/keys/{{name}}"}
    policy = {f"{ANALYTICS}/policy", f"{ANALYTICS}/policy/undo"}
    assert free == {f"{ANALYTICS}/customers/{{user_id:path}}/revenue", *keys, *models, *policy}


def test_a_full_queue_is_documented(service: Service) -> None:
    document = service.client.get("/api/openapi.json").json()
    responses = document["paths"]["/payment/analytics/customers/batch"]["post"]["responses"]
    examples = responses["503"]["content"]["application/json"]["examples"]
    assert examples["overloaded"]["value"]["error"]["code"] == Overloaded.code
    assert "retry-after" in responses["503"]["headers"]


@contextmanager
def batches(base_url: httpx.URL) -> Iterator[list[httpx.Response]]:
    """Clients that post batches of 10,000 without pause until the end of the block; their answers."""
    answers: list[httpx.Response] = []
    over = threading.Event()

    def post() -> None:
        with httpx.Client(base_url=base_url, timeout=120) as client:
            while not over.is_set():
                answers.append(client.post(BATCH, json={"customer_ids": IDS}))
                over.wait(0.2)

    threads = [threading.Thread(target=post) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        over.set()
        for thread in threads:
            thread.join()


@pytest.mark.servers
def test_batches_do_not_starve_single_answers(served: Service) -> None:
    times: list[float] = []
    wait_for_customers_in_memory(served.client)
    with batches(served.client.base_url) as answers:
        give_up = time.monotonic() + 60
        while not {200, 503} <= {answer.status_code for answer in answers}:
            assert time.monotonic() < give_up
            time.sleep(0.05)
        while len(times) < 40:
            began = time.monotonic()
            answer = served.get(f"/customers/c{len(times)}/revenue")
            times.append(time.monotonic() - began)
            assert answer.status_code == 200
    assert {answer.status_code for answer in answers} == {200, 503}
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert refused.json()["error"]["code"] == "overloaded"
    assert int(refused.headers["retry-after"]) > 0
    full = next(answer for answer in answers if answer.status_code == 200)
    assert len(full.json()["customers"]) == len(IDS)
    whole = min(answer.elapsed.total_seconds() for answer in answers if answer.status_code == 200)
    assert sorted(times)[len(times) // 2] < whole / 5


def wait_for_customers_in_memory(client: httpx.Client) -> None:
    give_up = time.monotonic() + 60
    while "customer_revenue_customers_in_memory 801.0" not in client.get("/metrics").text:
        assert time.monotonic() < give_up
        time.sleep(0.2)


@pytest.mark.servers
def test_a_batch_whose_client_is_gone_is_given_up(served: Service) -> None:
    def given_up() -> float:
        lines = served.client.get("/metrics").text.splitlines()
        name = 'customer_revenue_unanswered_total{lane="batch",reason="client_gone"}'
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    before = given_up()
    for _ in range(3):
        with httpx.Client(base_url=served.client.base_url) as client, pytest.raises(httpx.ReadTimeout):
            client.post(BATCH, json={"customer_ids": IDS}, timeout=httpx.Timeout(5, read=0.05))
    give_up = time.monotonic() + 20
    while given_up() < before + 3:
        assert time.monotonic() < give_up
        time.sleep(0.1)
