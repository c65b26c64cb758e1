"""What a promotion does to a running service: absurd predictions or many more errors take it back by themselves."""

from __future__ import annotations

import logging
import threading
import time
from http import HTTPStatus

from customer_revenue.errors import CustomerRevenueError, NotEnoughData
from customer_revenue.service.prometheus_metrics import metrics
from customer_revenue.settings import RegistryOptions
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.feature_rows import feature_rows
from customer_revenue.workflows.registry.canary import TRIAL_ROWS
from customer_revenue.workflows.registry.champion import Change, revert, reverted
from customer_revenue.workflows.registry.delivery_child import deliver_in_child
from customer_revenue.workflows.registry.prediction_shift import absurd_shift

logger = logging.getLogger(__name__)

WATCHED_SECONDS = 900.0
"""For which errors after a promotion are held against it."""
LEAST_ERRORS = 10
"""In one worker: fewer may be anything."""
MOST_ERROR_SHARE = 0.05
TIMES_AS_MANY = 5.0
"""As large a share of errors as before the promotion, from which on it is its fault."""


class PromotionWatch:
    """Watches the answers of a worker after a promotion, and takes it back where they are bad.

    Args:
        registry: where the models are.
    """

    def __init__(self, registry: RegistryOptions) -> None:
        self._registry = registry
        self._version: str | None = None
        self._until = 0.0
        self._answered = self._failed = 0
        self._share_before = 0.0

    @property
    def reverted(self) -> Change | None:
        """The last change of the champion, if it was made by a service itself."""
        return reverted(self._registry.models)

    def note(self, status: int) -> None:
        """Count an answer of the API."""
        self._answered += 1
        self._failed += status == HTTPStatus.INTERNAL_SERVER_ERROR

    def is_absurd(self, old: Answers, new: Answers) -> bool:
        """Whether a newly promoted model was taken back, as its predictions are absurd next to those in use."""
        if new.model_version in (None, old.model_version) or old.model_version is None:
            return False
        try:
            when = new.when(None)
            models = [answers.predictor(when) for answers in (old, new)]
            names = list(dict.fromkeys(name for model in models for name in model.covariates))
            rows = feature_rows(new.store, when, TRIAL_ROWS, names)
            before, after = (model.predict(rows) for model in models)
        except NotEnoughData:
            return False
        why = absurd_shift(before, after)
        return bool(why) and self._revert(new.model_version or "", why)

    def begin(self, version: str | None) -> None:
        """Hold the errors from now on against the model that has been taken up."""
        self._share_before = self._failed / self._answered if self._answered else 0.0
        self._answered = self._failed = 0
        self._version, self._until = version, time.monotonic() + WATCHED_SECONDS

    def check(self) -> None:
        """Take the promotion back if too many answers have failed since then."""
        if self._version is None:
            return
        if time.monotonic() > self._until:
            self._version = None
        elif self._failed >= LEAST_ERRORS:
            share = self._failed / self._answered
            if share > max(MOST_ERROR_SHARE, TIMES_AS_MANY * self._share_before):
                version, self._version = self._version, None
                self._revert(version, f"{self._failed} of {self._answered} answers failed after it")

    def _revert(self, version: str, why: str) -> bool:
        try:
            change = revert(self._registry, version, why)
        except CustomerRevenueError as error:
            logger.error("the promotion of %s cannot be taken back: %s", version, error.message)
            return False
        if change is not None:  # else another worker has done it, or nothing was promoted
            logger.error("the promotion of %s is taken back: %s; %s answers again", version, why, change.version)
            metrics().count_reverted_model()
            threading.Thread(target=deliver_in_child, args=(self._registry,), daemon=True).start()
            return True
        last = self.reverted
        return last is not None and last.before == version
