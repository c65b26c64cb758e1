"""A store and a model to answer from, and how to know that others have taken their place."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from customer_revenue.errors import ModelError, ModelNotFound
from customer_revenue.modeling.bundle import MANIFEST
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.orders.store import Store, StoreInfo, open_store
from customer_revenue.periods import AsOf, parse_day
from customer_revenue.policy import Policy, load_policy
from customer_revenue.settings import Settings
from customer_revenue.workflows.customers.freshness import Freshness
from customer_revenue.workflows.customers.prediction_fields import predictor_as_of
from customer_revenue.workflows.registry.bundles import LoadedModel, load_model, model_identity

MONITORING_METRICS = Path("monitoring", "metrics.prom")


def policy_stamp(settings: Settings) -> int:
    """What changes when the user's policy file is written; 0 without one."""
    try:
        return settings.policy.stat().st_mtime_ns if settings.policy else 0
    except OSError:
        return 0


def _identity(settings: Settings) -> str | None:
    """What names the model that is there now, if there is one."""
    try:
        return model_identity(settings)
    except ModelError:
        return None


class Source:
    """One store, one policy and, where there is one, one model, as they were when they were opened."""

    def __init__(
        self,
        store: Store,
        model: LoadedModel | None,
        problem: ModelError | None,
        settings: Settings,
        policy: Policy | None = None,
    ) -> None:
        self._store, self._model, self._problem, self._settings = store, model, problem, settings
        self._model_seen = _identity(settings)
        self.opened_at = time.time()
        self.freshness = Freshness(held=store.is_snapshot)
        self._policy_stamp = policy_stamp(settings)
        self._policy = policy or load_policy(settings.policy)

    @classmethod
    def open(cls, settings: Settings, previous: LoadedModel | None = None) -> Self:
        """The store and the model that the settings name.

        A model that cannot be loaded is no failure until predictions are asked for.

        Args:
            settings: name them.
            previous: model that stays in use where the one that is there now cannot be loaded.

        Raises:
            StoreError: there is no store that can be read.
            InvalidPolicy: the policy breaks its rules.
        """
        policy = load_policy(settings.policy)
        store = open_store(settings.store, settings)
        if previous is not None and previous.identity == _identity(settings):
            return cls(store, previous, None, settings, policy)
        try:
            return cls(store, load_model(settings), None, settings, policy)
        except ModelError as problem:
            return cls(store, previous, problem, settings, policy)

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    @property
    def problem(self) -> ModelError | None:
        """Why the model that is there now is not in use, if it is not."""
        return self._problem

    @property
    def model_version(self) -> str | None:
        """Version of the model in use."""
        return self._model.version if self._model else None

    @property
    def warning(self) -> str:
        """What is odd about the model in use, such as that it was trained on another store; empty if nothing is."""
        return self._model.foreign_to(self._store.info) if self._model else ""

    @property
    def model_written_at(self) -> float | None:
        """When the bundle in use was written, in seconds since 1970."""
        manifest = self._model.folder / MANIFEST if self._model else None
        return manifest.stat().st_mtime if manifest is not None and manifest.is_file() else None

    def monitoring_metrics(self) -> bytes:
        """What monitoring wrote for Prometheus when it ran last; empty where it has not."""
        try:
            return (self._settings.models / MONITORING_METRICS).read_bytes()
        except OSError:
            return b""

    @property
    def is_out_of_sample(self) -> bool:
        """Whether the model was trained on nothing later than what it answers of: else its answers are hindsight."""
        return self._model is not None and self._model.predictor.as_of_day <= self.when(None).day

    def check(self) -> None:
        """Ask the store for a sign of life.

        Raises:
            StoreError: it does not answer.
        """
        self._store.stale()

    @property
    def info(self) -> StoreInfo:
        """What the store is and holds."""
        return self._store.info

    def reload_if_changed(self) -> Self:
        """Itself, or a new one if the store, the model or the policy has been replaced by another.

        A model that cannot be loaded is refused, and the one in use stays in use.

        Raises:
            StoreError: the store that is there now cannot be read.
            InvalidPolicy: the policy that is there now breaks its rules.
        """
        same_model = self._model_seen == _identity(self._settings)
        same_policy = self._policy_stamp == policy_stamp(self._settings)
        began = time.monotonic()
        if not (same_model and same_policy) or self._store.stale():
            return self.open(self._settings, self._model)
        self.freshness.mark_checked(began)
        return self

    @property
    def model(self) -> LoadedModel:
        """The model.

        Raises:
            ModelError: there is none.
        """
        if self._model is None:
            raise self._problem or ModelNotFound("no model is loaded")
        return self._model

    def cacheable_day(self) -> dt.date | None:
        """The day that answers are of, for which they stay the same; ``None`` where the store can change unnoticed."""
        return self._store.as_of(self._settings.as_of).day if self._store.reports_changes else None

    def when(self, as_of: str | None) -> AsOf:
        """The moment that a day stands for; without one, the store's."""
        return self._store.as_of(parse_day(as_of) if as_of else self._settings.as_of)

    def complete(self, body: Mapping[str, object], when: AsOf) -> dict[str, object]:
        """A body as an answer, with ``success`` before it and ``meta`` after it."""
        return {"success": True, **body, "meta": self._meta(when)}

    def predictor(self, when: AsOf) -> Predictor:
        """The model's predictor, for features of a day.

        Raises:
            ModelError: there is no model.
        """
        return predictor_as_of(self.model.predictor, when.day)

    def _meta(self, when: AsOf) -> dict[str, object]:
        return {
            "calculation_date": when.calculation_date,
            "data_freshness": when.freshness,
            "currency": self._store.info.currency,
            "timezone": self._store.info.timezone,
            "model_version": self.model_version,
        }
