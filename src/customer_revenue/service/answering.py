"""The store and the model that a worker answers from, reopened when a newer one has taken their place."""

from __future__ import annotations

import logging
import threading
import time

from fastapi import Request

from customer_revenue.errors import CustomerRevenueError
from customer_revenue.settings import Settings
from customer_revenue.workflows.answers import Answers

logger = logging.getLogger(__name__)

CHECK_EVERY_SECONDS = 1.0


class Answering:
    """Hands out the current :class:`Answers`.

    A request keeps the one that it was given, so an answer never mixes two stores or two models.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._answers: Answers | None = None
        self._checked = 0.0

    def current(self) -> Answers:
        """The answers of the newest store and model.

        Raises:
            StoreError: there is no store to answer from.
        """
        answers = self._answers
        if answers is not None and time.monotonic() - self._checked < CHECK_EVERY_SECONDS:
            return answers
        with self._lock:
            if self._answers is None:
                self._answers = Answers.open(self._settings)
            elif time.monotonic() - self._checked >= CHECK_EVERY_SECONDS:
                self._answers = self._renewed(self._answers)
            self._checked = time.monotonic()
            return self._answers

    def version(self) -> tuple[object, ...] | None:
        """What the answer to a request depends on beside the request; ``None`` where that is not known for sure."""
        answers = self._answers
        if answers is None or time.monotonic() - self._checked >= CHECK_EVERY_SECONDS:
            return None
        day = answers.cacheable_day()
        return None if day is None else (id(answers), day)

    def warm_up(self) -> None:
        """Open what is there, so that the first request does not wait; what is missing is told to requests."""
        try:
            self.current()
        except CustomerRevenueError as error:
            logger.warning("not ready: %s", error.message)

    def _renewed(self, answers: Answers) -> Answers:
        try:
            return answers.renewed()
        except CustomerRevenueError as error:
            logger.warning("still answering from the old store and model: %s", error.message)
            return answers


def answering(request: Request) -> Answering:
    """The app's :class:`Answering`, for routes."""
    source: Answering = request.app.state.answering
    return source
