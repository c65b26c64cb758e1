"""The store and the model that a worker answers from, reopened when a newer one has taken their place."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

import anyio
from anyio import to_thread
from fastapi import Request

from customer_revenue.errors import CustomerRevenueError, StoreError
from customer_revenue.policy import load_policy
from customer_revenue.service.prometheus_metrics import metrics
from customer_revenue.settings import Settings
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.customers.posted_orders import HistoryScorer
from customer_revenue.workflows.registry.bundles import load_model

logger = logging.getLogger(__name__)

Asked = TypeVarTuple("Asked")
T = TypeVar("T")

CHECK_EVERY_SECONDS = 1.0
KEEP_AGAIN_SECONDS = 600.0
"""So long after customers could not be read into memory that is not tried again: it loads a database that is slow."""
STORE_CONCURRENCY = 3
"""So many requests at once ask the store for one customer: those of more would wait for the interpreter's lock."""
STORE_WAIT_SECONDS = 3.0
"""So long a request waits for its turn."""


class Answering:
    """Hands out the current :class:`Answers`.

    A request keeps the one that it was given, so an answer never mixes two stores or two models. A thread looks for a
    newer store or model and opens it, so that no request waits for that.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._answers: Answers | None = None
        self._generation = 0
        """Counts the answers opened: an address in memory may be used again."""
        self._refused: tuple[float, StoreError] | None = None
        self._told = ""
        self._turns: anyio.Semaphore | None = None  # made where there is an event loop
        self._not_kept = (-1, 0.0)
        """The generation whose customers could not be read into memory, and until when that is not tried again."""

    def current(self) -> Answers:
        """The answers of the newest store and model.

        Raises:
            StoreError: there is no store to answer from.
        """
        return self._answers or self._opened()

    def scorer(self) -> HistoryScorer:
        """What scores histories that are sent: with the model in use, and without a store if there is none.

        Raises:
            ModelError: there is no model.
        """
        try:
            return self.current().scorer()
        except StoreError:
            return HistoryScorer.of(
                load_model(self._settings.registry), load_policy(self._settings.policy), self._settings
            )

    @property
    def open_now(self) -> Answers | None:
        """The answers, if a store has been opened."""
        return self._answers

    def ready(self) -> bool:
        """Whether there is a store, and it answers."""
        try:
            self.current().check()
        except CustomerRevenueError as error:
            self._tell(f"not ready: {error.message}")
            return False
        return True

    def version(self) -> tuple[object, ...] | None:
        """What the answer to a request depends on beside the request; ``None`` where that is not known for sure."""
        answers = self._answers
        if answers is None or not answers.freshness.is_recent:
            return None
        day = answers.cacheable_day()
        return None if day is None else (self._generation, day)

    async def ask(self, answer: Callable[[*Asked], T], *asked: *Asked) -> T:
        """Call what asks the store, in one of a few threads.

        Raises:
            StoreError: the store keeps all of them waiting.
        """
        turns = self._turns = self._turns or anyio.Semaphore(STORE_CONCURRENCY)
        try:
            with anyio.fail_after(STORE_WAIT_SECONDS):
                await turns.acquire()
        except TimeoutError:
            raise StoreError("the store does not answer in time: try again later") from None
        try:
            return await to_thread.run_sync(answer, *asked)
        finally:
            turns.release()

    def warm_up(self) -> None:
        """Open what is there, so that the first request does not wait; what is missing is told to requests."""
        try:
            self.current()
        except CustomerRevenueError as error:
            logger.warning("not ready: %s", error.message)

    def _opened(self) -> Answers:
        with self._lock:
            if self._answers is None:
                self._fail_again()
                try:
                    self._answers = Answers.open(self._settings)
                except StoreError as error:
                    self._refused = (time.monotonic(), error)
                    raise
                self._warn(self._answers)
                for task in (self._renew, self._keep_day):
                    threading.Thread(target=self._again, args=(task,), name=task.__name__, daemon=True).start()
            return self._answers

    def _fail_again(self) -> None:
        """A store that was away a moment ago is not waited for by every request in turn."""
        if self._refused is not None and time.monotonic() - self._refused[0] < CHECK_EVERY_SECONDS:
            raise type(self._refused[1])(self._refused[1].message)

    @staticmethod
    def _again(task: Callable[[], None]) -> None:
        """Do something again and again, whatever comes."""
        while True:
            time.sleep(CHECK_EVERY_SECONDS)  # the first requests come first
            try:
                task()
            except Exception:
                logger.exception("%s failed", task.__name__)

    def _keep_day(self) -> None:
        generation, answers = self._generation, self.current()
        if generation == self._not_kept[0] and time.monotonic() < self._not_kept[1]:
            return
        self._not_kept = (generation, time.monotonic() + KEEP_AGAIN_SECONDS)
        try:
            answers.refresh_snapshot()
            self._not_kept = (-1, 0.0)
        except CustomerRevenueError as error:
            logger.warning("customers are not kept in memory: %s", error.message)
        metrics().keeps(answers.info.customers if answers.has_snapshot else 0)

    def _renew(self) -> None:
        old = self.current()
        try:
            new = old.reload_if_changed()
        except CustomerRevenueError as error:
            self._tell(f"still answering from the old store and model: {error.message}")
            return
        if new is not old:
            self._answers = new
            self._generation += 1
            logger.info("answering from the store %s and the model %s", new.info.fingerprint[:12], new.model_version)
            self._warn(new)
        self._tell(f"still answering with the old model: {new.problem.message}" if new.problem else "")

    @staticmethod
    def _warn(answers: Answers) -> None:
        if answers.warning:
            logger.warning("%s", answers.warning)

    def _tell(self, message: str) -> None:
        """Log a problem once and not every second."""
        if message and message != self._told:
            logger.warning("%s", message)
        self._told = message


async def answering(request: Request) -> Answering:  # FastAPI hands what is not async to another thread
    """The app's :class:`Answering`, for routes."""
    source: Answering = request.app.state.answering
    return source
