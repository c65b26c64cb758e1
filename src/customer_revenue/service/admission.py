"""Admission of what costs more than a look into memory: a few at a time, a short queue, and then 503.

Customers in memory are answered without it, so that they never wait for batches or for the store.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, ClassVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from typing_extensions import override

from customer_revenue.errors import Overloaded
from customer_revenue.service.prometheus_metrics import metrics

BATCHES_AT_ONCE, BATCHES_WAITING = 1, 4
"""In each worker: a second batch would not be done earlier, since both need the interpreter."""
ASKING_AT_ONCE, ASKING_WAITING = 3, 32
"""In each worker, of what asks the store: more threads would wait for the interpreter's lock."""
CLIENT_GONE = 499
"""The status in the log of a request whose client has closed the connection."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_unwanted: ContextVar[threading.Event | None] = ContextVar("unwanted", default=None)


class Unwanted(Exception):
    """Nobody waits for this work any more."""


def check_wanted() -> None:
    """Called within long work, in its thread.

    Raises:
        Unwanted: the client is gone, or the deadline has passed.
    """
    event = _unwanted.get()
    if event is not None and event.is_set():
        raise Unwanted


class Lane:
    """Lets some requests of a kind go ahead at once; others wait in a short queue.

    Args:
        name: in the metrics.
        at_once: maximum number that go ahead.
        waiting: maximum number that wait.
    """

    def __init__(self, name: str, at_once: int, waiting: int) -> None:
        self.name = name
        self._slots = asyncio.Semaphore(at_once)
        self._waiting, self._max_waiting = 0, waiting

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a slot, and hold it until the end of the block.

        Raises:
            Overloaded: the queue is full.
        """
        if self._slots.locked() and self._waiting >= self._max_waiting:
            metrics().count_unanswered(self.name, "queue_full")
            raise Overloaded("too many requests of this kind are waiting already; try again in a few seconds")
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()


class _Work:
    """The work on a request, in a task of its own: a thread that cannot be stopped keeps its slot until it ends."""

    def __init__(self, lane: Lane, request: Request, handle: Handler) -> None:
        self._unwanted = threading.Event()
        self._begun = False
        _unwanted.set(self._unwanted)
        self.task = asyncio.ensure_future(self._run(lane, request, handle))

    async def _run(self, lane: Lane, request: Request, handle: Handler) -> Response:
        async with lane.slot():
            self._begun = True
            return await handle(request)

    def abandon(self) -> None:
        """Take it from the queue, or ask its thread to stop."""
        self._unwanted.set()
        if not self._begun:
            self.task.cancel()
        self.task.add_done_callback(lambda task: task.cancelled() or task.exception())  # nobody wants to know


class Admission:
    """The lanes of a worker, and the deadline of what goes through them.

    Args:
        seconds: from the arrival of a request to its answer.
    """

    def __init__(self, seconds: float) -> None:
        self.batches = Lane("batch", BATCHES_AT_ONCE, BATCHES_WAITING)
        self.store = Lane("store", ASKING_AT_ONCE, ASKING_WAITING)
        self._seconds = seconds

    async def answered(self, lane: Lane, request: Request, handle: Handler) -> Response:
        """What a handler responds when it is its turn; its work is stopped once nobody waits for it any more.

        Raises:
            Overloaded: the queue is full, or the deadline has passed.
        """
        await request.body()  # before the connection is watched, which would take the body
        work, gone = _Work(lane, request, handle), asyncio.ensure_future(_disconnected(request))
        try:
            await asyncio.wait({work.task, gone}, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
            if work.task.done():
                return work.task.result()
            if gone.done():
                metrics().count_unanswered(lane.name, "client_gone")
                return Response(status_code=CLIENT_GONE)
            metrics().count_unanswered(lane.name, "deadline")
            raise Overloaded(f"there was no answer within {self._seconds:g} s; try again later, or ask for less")
        finally:
            gone.cancel()
            if not work.task.done():
                work.abandon()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class _QueuedRoute(APIRoute):
    """A route whose requests take their turn in one of the worker's lanes."""

    lane: ClassVar[str]

    @override
    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def in_turn(request: Request) -> Response:
            admission: Admission = request.app.state.admission
            return await admission.answered(getattr(admission, self.lane), request, handle)

        return in_turn


class BatchRoute(_QueuedRoute):
    """A route of batches, which go ahead one at a time."""

    lane = "batches"


class StoreRoute(_QueuedRoute):
    """A route that asks the store, or computes about all customers."""

    lane = "store"
