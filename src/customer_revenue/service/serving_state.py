"""The store and the model that a worker serves, reopened when newer ones have replaced them."""

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

Args = TypeVarTuple("Args")
Result = TypeVar("Result")

CHECK_EVERY_SECONDS = 1.0
RETRY_SNAPSHOT_SECONDS = 600.0
"""Wait before a snapshot that failed is tried again: reading all customers loads the database."""
STORE_CONCURRENCY = 3
"""Maximum number of requests that query the store at once: more would wait for the interpreter's lock."""
STORE_WAIT_SECONDS = 3.0
"""Maximum wait of a request for one of the threads that query the store."""


class ServingState:
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
        self._last_logged = ""
        self._slots: anyio.Semaphore | None = None  # made where there is an event loop
        self._failed_snapshot = (-1, 0.0)
        """The generation whose snapshot failed, and until when it is not tried again."""

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
            self._log_once(f"not ready: {error.message}")
            return False
        return True

    def version(self) -> tuple[object, ...] | None:
        """What a response depends on in addition to the request; ``None`` where that is not known for sure."""
        answers = self._answers
        if answers is None or not answers.freshness.is_recent:
            return None
        day = answers.cacheable_day()
        return None if day is None else (self._generation, day)

    async def run_in_store_thread(self, function: Callable[[*Args], Result], *args: *Args) -> Result:
        """Call a function that queries the store, in one of a few threads.

        Raises:
            StoreError: the store keeps all of them waiting.
        """
        slots = self._slots = self._slots or anyio.Semaphore(STORE_CONCURRENCY)
        try:
            with anyio.fail_after(STORE_WAIT_SECONDS):
                await slots.acquire()
        except TimeoutError:
            raise StoreError("the store does not answer in time: try again later") from None
        try:
            return await to_thread.run_sync(function, *args)
        finally:
            slots.release()

    def warm_up(self) -> None:
        """Open the store and the model ahead of the first request; if that fails, requests get the error."""
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
                for task in (self._reload, self._refresh_snapshot):
                    threading.Thread(
                        target=self._run_periodically, args=(task,), name=task.__name__, daemon=True
                    ).start()
            return self._answers

    def _fail_again(self) -> None:
        """Raise the last error again within a second, so that not every request waits for a store that is away."""
        if self._refused is not None and time.monotonic() - self._refused[0] < CHECK_EVERY_SECONDS:
            raise type(self._refused[1])(self._refused[1].message)

    @staticmethod
    def _run_periodically(task: Callable[[], None]) -> None:
        """Run a task every second, whatever it raises."""
        while True:
            time.sleep(CHECK_EVERY_SECONDS)  # the first requests come first
            try:
                task()
            except Exception:
                logger.exception("%s failed", task.__name__)

    def _refresh_snapshot(self) -> None:
        generation, answers = self._generation, self.current()
        if generation == self._failed_snapshot[0] and time.monotonic() < self._failed_snapshot[1]:
            return
        self._failed_snapshot = (generation, time.monotonic() + RETRY_SNAPSHOT_SECONDS)
        try:
            answers.refresh_snapshot()
            self._failed_snapshot = (-1, 0.0)
        except CustomerRevenueError as error:
            logger.warning("the customers could not be read into memory: %s", error.message)
        metrics().set_customers_in_memory(answers.info.customers if answers.has_snapshot else 0)

    def _reload(self) -> None:
        old = self.current()
        try:
            new = old.reload_if_changed()
        except CustomerRevenueError as error:
            self._log_once(f"still answering from the old store and model: {error.message}")
            return
        if new is not old:
            self._answers = new
            self._generation += 1
            logger.info("answering from the store %s and the model %s", new.info.fingerprint[:12], new.model_version)
            self._warn(new)
        self._log_once(f"still answering with the old model: {new.problem.message}" if new.problem else "")

    @staticmethod
    def _warn(answers: Answers) -> None:
        if answers.warning:
            logger.warning("%s", answers.warning)

    def _log_once(self, message: str) -> None:
        """Log a problem once and not every second."""
        if message and message != self._last_logged:
            logger.warning("%s", message)
        self._last_logged = message


async def serving_state(request: Request) -> ServingState:  # FastAPI hands what is not async to another thread
    """The app's :class:`ServingState`, for routes."""
    source: ServingState = request.app.state.serving_state
    return source
