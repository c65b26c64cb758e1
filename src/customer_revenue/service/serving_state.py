"""The store and the model that a worker serves, reopened when they are replaced."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

import anyio
from anyio import to_thread
from fastapi import Request

from customer_revenue.errors import CustomerRevenueError, Overloaded, StoreError
from customer_revenue.policy import load_policy
from customer_revenue.service.prometheus_metrics import metrics
from customer_revenue.service.promotion_watch import PromotionWatch
from customer_revenue.settings import Settings
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.customers.posted_orders import HistoryScorer
from customer_revenue.workflows.registry.bundles import find_model
from customer_revenue.workflows.registry.canary import check_trial

logger = logging.getLogger(__name__)

Args = TypeVarTuple("Args")
Result = TypeVar("Result")

CHECK_EVERY_SECONDS = 1.0
RETRY_SNAPSHOT_SECONDS = 600.0
"""Wait after a failed snapshot before the next attempt: reading all customers is a load on the database."""
STORE_CONCURRENCY = 3
"""Maximum number of concurrent queries for one customer: more threads would wait for the interpreter's lock."""
STORE_WAITING = 64
"""Maximum number of requests that wait for one of these threads."""
STORE_WAIT_SECONDS = 3.0
"""Maximum time that a request waits for one of these threads."""


class ServingState:
    """Holds the current :class:`Answers`.

    A request keeps the one that it started with, so that a response never mixes two stores or two models. A thread
    checks for a newer store or model and opens it, so that no request waits for that.

    Args:
        settings: name the store and the model.
        shared: whether customers in memory are a file that all workers map, instead of each worker's own.
    """

    def __init__(self, settings: Settings, *, shared: bool = False) -> None:
        self._settings, self._shared = settings, shared
        self.watch = PromotionWatch(settings.registry)
        self._lock = threading.Lock()
        self._answers: Answers | None = None
        self._generation = 0
        """Number of reloads; it identifies the answers in cache keys."""
        self._last_error: tuple[float, StoreError] | None = None
        self._last_logged = ""
        self._slots: anyio.Semaphore | None = None  # created in the event loop
        self._failed_snapshot = (-1, 0.0)
        """The generation whose snapshot failed, and the time of the next attempt."""

    def current(self) -> Answers:
        """The answers of the newest store and model.

        Raises:
            StoreError: there is no usable store.
        """
        return self._answers or self._opened()

    def scorer(self) -> HistoryScorer:
        """The scorer of posted histories: it uses the current model, and works without a store.

        Raises:
            ModelError: there is no model.
        """
        try:
            return self.current().scorer()
        except StoreError:
            model = find_model(self._settings.registry)
            check_trial(model, self._settings.models, None)
            policy = load_policy(self._settings.policy, self._settings.learned_effects)
            return HistoryScorer.of(model, policy, self._settings)

    @property
    def opened(self) -> Answers | None:
        """The current answers; ``None`` until a store has been opened."""
        return self._answers

    def ready(self) -> bool:
        """Whether the store is open and responds."""
        try:
            self.current().check()
        except CustomerRevenueError as error:
            self._log_once(f"not ready: {error.message}")
            return False
        return True

    @property
    def stale_since(self) -> str | None:
        """Since when customers in memory are answered in the store's place; ``None`` if they are not."""
        answers = self._answers
        return answers.freshness.stale_since if answers is not None and answers.has_snapshot else None

    def version(self) -> tuple[object, ...] | None:
        """What a response depends on in addition to the request; ``None`` while that is uncertain."""
        answers = self._answers
        if answers is None or not answers.freshness.is_recent:
            return None
        day = answers.cacheable_day()
        return None if day is None else (self._generation, day, answers.limits.stamp)

    async def run_in_store_thread(self, function: Callable[[*Args], Result], *args: *Args) -> Result:
        """Call a function that queries the store in one of :data:`STORE_CONCURRENCY` threads.

        Raises:
            Overloaded: too many wait already.
            StoreError: no thread became free in time.
        """
        slots = self._slots = self._slots or anyio.Semaphore(STORE_CONCURRENCY)
        if slots.value == 0 and slots.statistics().tasks_waiting >= STORE_WAITING:
            metrics().count_unanswered("customer", "queue_full")
            raise Overloaded("too many requests wait for the store already; try again in a few seconds")
        try:
            with anyio.fail_after(STORE_WAIT_SECONDS):
                await slots.acquire()
        except TimeoutError:
            raise StoreError("the store did not respond in time; try again later") from None
        try:
            return await to_thread.run_sync(function, *args)
        finally:
            slots.release()

    def warm_up(self) -> None:
        """Open the store and the model before the first request; if that fails, requests report the error."""
        try:
            self.current()
        except CustomerRevenueError as error:
            logger.warning("not ready: %s", error.message)

    def _opened(self) -> Answers:
        with self._lock:
            if self._answers is None:
                self._raise_recent_error()
                try:
                    self._answers = Answers.open(self._settings, try_first=True)
                except StoreError as error:
                    self._last_error = (time.monotonic(), error)
                    raise
                self._warn(self._answers)
                self._take_up_kept_snapshot(self._answers)
                for task in (self._reload, self._refresh_snapshot):
                    threading.Thread(
                        target=self._run_periodically, args=(task,), name=task.__name__, daemon=True
                    ).start()
            return self._answers

    def _raise_recent_error(self) -> None:
        """Raise an error of the last second again, so that not every request waits for an unavailable store."""
        if self._last_error is not None and time.monotonic() - self._last_error[0] < CHECK_EVERY_SECONDS:
            raise type(self._last_error[1])(self._last_error[1].message)

    @staticmethod
    def _run_periodically(task: Callable[[], None]) -> None:
        """Run a task every second, whatever it raises."""
        while True:
            time.sleep(CHECK_EVERY_SECONDS)  # let the first requests go ahead
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
            answers.refresh_snapshot(shared=self._shared)
            self._failed_snapshot = (-1, 0.0)
        except CustomerRevenueError as error:
            logger.warning("could not load the customers into memory: %s", error.message)
        metrics().set_customers_in_memory(answers.info.customers if answers.has_snapshot else 0)

    def _take_up_kept_snapshot(self, answers: Answers) -> None:
        """After a restart, what was in memory is there before the first request."""
        try:
            if self._shared and answers.take_up_kept_snapshot():
                metrics().set_customers_in_memory(answers.info.customers)
        except CustomerRevenueError as error:
            logger.warning("could not load the customers into memory: %s", error.message)

    def _reload(self) -> None:
        self.watch.check()
        old = self.current()
        old.limits.barred(old.when(None).day)  # a contact log that has changed is read here, not within a request
        try:
            new = old.reload_if_changed()
        except CustomerRevenueError as error:
            self._log_once(f"still using the previous store and model: {error.message}")
            return
        if new is not old and self.watch.is_absurd(old, new):
            return  # what is there now is the model that is in use
        if new is not old:
            if new.model_version != old.model_version:
                self.watch.begin(new.model_version)
            self._answers = new
            self._generation += 1
            logger.info("now using the store %s and the model %s", new.info.fingerprint[:12], new.model_version)
            self._warn(new)
        self._log_once(f"still using the previous model: {new.problem.message}" if new.problem else "")

    @staticmethod
    def _warn(answers: Answers) -> None:
        if answers.warning:
            logger.warning("%s", answers.warning)

    def _log_once(self, message: str) -> None:
        """Log a repeated problem only once."""
        if message and message != self._last_logged:
            logger.warning("%s", message)
        self._last_logged = message


async def serving_state(request: Request) -> ServingState:  # async, since FastAPI runs other functions in a thread
    """Dependency: the application's :class:`ServingState`."""
    state: ServingState = request.app.state.serving_state
    return state
