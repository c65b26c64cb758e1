"""One store, policy and model to answer from, and how to know that newer ones have replaced them."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from customer_revenue.errors import ModelError, ModelNotFound, StoreError
from customer_revenue.modeling.manifest import MANIFEST
from customer_revenue.orders.store import Store, StoreInfo, open_store
from customer_revenue.periods import AsOf, parse_day
from customer_revenue.policy import Policy, load_policy
from customer_revenue.settings import Settings
from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.customers.freshness import Freshness
from customer_revenue.workflows.customers.response import completed
from customer_revenue.workflows.registry.bundles import (
    MONITORING_METRICS,
    LoadedModel,
    find_model,
    load_model,
    model_identity,
    model_known_by,
    passed_models,
)

if TYPE_CHECKING:
    from customer_revenue.modeling.predictor import Predictor

logger = logging.getLogger(__name__)


def policy_stamp(settings: Settings) -> tuple[int, int]:
    """The times of the last change of the user's policy file and of the learned effects, in nanoseconds; 0 without."""
    return _changed_at(settings.policy), _changed_at(settings.learned_effects)


def _changed_at(path: Path | None) -> int:
    try:
        return path.stat().st_mtime_ns if path else 0
    except OSError:
        return 0


def _identity(settings: Settings) -> str | None:
    """The identity of the model that is there now; ``None`` without one."""
    try:
        return model_identity(settings.registry)
    except ModelError:
        return None


def _last_good(settings: Settings, store: Store, problem: ModelError) -> LoadedModel | None:
    """The newest model of the store that passed the gate and can be used, in the place of one that cannot."""
    from customer_revenue.workflows.registry.canary import check_trial  # it imports what predicts

    for found in passed_models(settings.models):
        if found.store_id not in ("", store.info.id):
            continue
        notice = f"{problem.message}: answering with the bundle {found.version}, the last good one here"
        model = replace(found, notice=notice)
        with suppress(ModelError):
            check_trial(model, settings.models, store, store.as_of(settings.as_of))
            assert model.predictor
            return model
    return None


class Session:
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
        self._past_models: dict[str, LoadedModel] = {}
        """Those that have answered, by their version, so that each is read once."""
        self.opened_at = time.time()
        self.freshness = Freshness(is_snapshot=store.is_snapshot, stale_seconds=settings.stale_seconds)
        self._policy_stamp = policy_stamp(settings)
        self._policy = policy or load_policy(settings.policy, settings.learned_effects)

    _try_first = False
    """Whether a child process tries each model before it is loaded here."""

    @classmethod
    def open(
        cls,
        settings: Settings,
        previous: LoadedModel | None = None,
        *,
        lazily: bool = False,
        try_first: bool = False,
    ) -> Self:
        """The store and the model that the settings name.

        A model that cannot be loaded fails only requests for predictions.

        Args:
            settings: name them.
            previous: model that stays in use if the present one cannot be loaded.
            lazily: load the model when the first prediction is asked for.
            try_first: let a child process try a model before it is loaded: for a process that must not end.

        Raises:
            StoreError: there is no store that can be read.
            InvalidPolicy: the policy breaks its rules.
        """
        policy = load_policy(settings.policy, settings.learned_effects)
        store = open_store(settings.store, settings.store_options)
        model, problem = previous, None
        if previous is None or previous.identity != _identity(settings):
            try:
                model = (find_model if lazily or try_first else load_model)(settings.registry)
                if try_first:
                    from customer_revenue.workflows.registry.canary import check_trial  # it imports what predicts

                    check_trial(model, settings.models, store, store.as_of(settings.as_of))
                    assert model.predictor
            except ModelError as found:
                model, problem = previous, found
                if model is None and try_first:
                    model = _last_good(settings, store, found)
        session = cls(store, model, problem, settings, policy)
        session._try_first = try_first
        return session

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    @property
    def problem(self) -> ModelError | None:
        """Why the present model is not in use; ``None`` if it is."""
        return self._problem

    @property
    def model_version(self) -> str | None:
        """Version of the model in use."""
        return self._model.version if self._model else None

    @property
    def warning(self) -> str:
        """A warning about the model in use, such as that it was trained on another store; empty without one."""
        return self._model.warning_for(self._store.info) if self._model else ""

    @property
    def is_of_other_store(self) -> bool:
        """Whether the model was trained on another store's customers."""
        return self._model is not None and bool(self._model.foreign_to(self._store.info))

    @property
    def is_fallback(self) -> bool:
        """Whether the model answers because MLflow, which was to name it, is away."""
        return self._model is not None and bool(self._model.notice)

    @property
    def model_written_at(self) -> float | None:
        """When the bundle in use was written, in seconds since 1970."""
        manifest = self._model.folder / MANIFEST if self._model else None
        return manifest.stat().st_mtime if manifest is not None and manifest.is_file() else None

    def monitoring_metrics(self) -> bytes:
        """What the last monitoring run wrote for Prometheus; empty before the first one."""
        try:
            return (self._settings.models / MONITORING_METRICS).read_bytes()
        except OSError:
            return b""

    @property
    def is_out_of_sample(self) -> bool:
        """Whether the model knew nothing later than the as-of day: otherwise its predictions are hindsight."""
        return self._model is not None and self._model.predictor.as_of_day <= self.when(None).day

    def check(self) -> None:
        """Check that the store responds.

        Raises:
            StoreError: it does not respond.
        """
        self._store.stale()

    @property
    def store(self) -> Store:
        """The store."""
        return self._store

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
        if self._store_changed() or not (same_model and same_policy):
            return self.open(self._settings, self._model, try_first=self._try_first)
        return self

    def _store_changed(self) -> bool:
        began = self.freshness.begin_check()
        try:
            changed = self._store.stale()
        except StoreError:
            self.freshness.mark_failed()
            raise
        if changed:
            self.freshness.mark_changed()
        else:
            self.freshness.mark_unchanged(began)
        return changed

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
        """The as-of day during which answers stay the same; ``None`` where the store can change unnoticed."""
        return self._store.as_of(self._settings.as_of).day if self._store.reports_changes else None

    def when(self, as_of: str | None) -> AsOf:
        """The moment that a day stands for; without one, the store's."""
        return self._store.as_of(parse_day(as_of) if as_of else self._settings.as_of)

    def complete(self, body: Mapping[str, object], when: AsOf) -> Body:
        """A body as a response, with ``success`` before it and ``meta`` after it."""
        info = self._store.info
        version = self.model_on(when).version if self._model else None
        return completed(body, when, info.currency, info.timezone, version, self.freshness.stale_since)

    def predictor(self, when: AsOf) -> Predictor:
        """The model's predictor, for features of a day.

        Raises:
            ModelError: there is no model.
        """
        return self.model_on(when).predictor.as_of(when.day)

    def model_on(self, when: AsOf) -> LoadedModel:
        """The model that answers as of a day: of the past, the newest that was trained by then, if there is one.

        Raises:
            ModelError: there is no model.
        """
        present = self.model
        found = model_known_by(self._settings.models, present, when.day)
        if self._try_first and found is not present and found.version not in self._past_models:
            from customer_revenue.workflows.registry.canary import check_trial

            try:
                check_trial(found, self._settings.models, self._store, when)
            except ModelError as error:
                logger.warning("%s", error.message)
                self._past_models[found.version] = present
        return self._past_models.setdefault(found.version, found)
