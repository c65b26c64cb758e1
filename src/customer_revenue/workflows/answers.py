"""The complete answer about a customer: what ``show`` prints and the API returns."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from customer_revenue.errors import CustomerNotFound, ModelError, ModelNotFound
from customer_revenue.modeling.bundle import MANIFEST
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.orders.store import Store, StoreInfo, open_store
from customer_revenue.periods import AsOf, Period, parse_day
from customer_revenue.policy import Policy, load_policy
from customer_revenue.settings import Settings
from customer_revenue.workflows import batch
from customer_revenue.workflows.advice import Advisor, Situation, situation_of
from customer_revenue.workflows.customer_base import CustomerBase
from customer_revenue.workflows.customer_page import CustomerPage
from customer_revenue.workflows.dashboard import Dashboard
from customer_revenue.workflows.day_book import DayBook
from customer_revenue.workflows.frames import known_at, of_customers
from customer_revenue.workflows.histories import HistoryScorer
from customer_revenue.workflows.model_card import model_card
from customer_revenue.workflows.models import LoadedModel, load_model, model_identity
from customer_revenue.workflows.predictions import prediction_fields, predictor_as_of
from customer_revenue.workflows.queries import SUMMARY_FIELDS, Breakdown, CustomerQueries, as_row

logger = logging.getLogger(__name__)

MONITORING_METRICS = Path("monitoring", "metrics.prom")
EMBEDDED = "duckdb:"
"""Stores of this kind change by being replaced, which is noticed; a database may change at any moment."""


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


class Answers:
    """Answers from one store and, where there is one, one model. Queries are compiled once, on opening.

    Usable from several threads; what it answers never changes but for the passing of time.
    """

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
        self._policy_stamp = policy_stamp(settings)
        self._policy = policy or load_policy(settings.policy)
        self._queries = CustomerQueries(store, self._policy)
        self._advisor = Advisor(store, self._queries, self._policy)
        self._base: CustomerBase | None = None
        self._dashboard: Dashboard | None = None

    @classmethod
    def open(cls, settings: Settings, previous: LoadedModel | None = None) -> Answers:
        """Answers from the store and the model that the settings name.

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
    def foresees(self) -> bool:
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

    def renewed(self) -> Answers:
        """Itself, or new answers if the store, the model or the policy has been replaced by another.

        A model that cannot be loaded is refused, and the one in use stays in use.

        Raises:
            StoreError: the store that is there now cannot be read.
            InvalidPolicy: the policy that is there now breaks its rules.
        """
        same_model = self._model_seen == _identity(self._settings)
        same_policy = self._policy_stamp == policy_stamp(self._settings)
        unchanged = same_model and same_policy and not self._store.stale()
        return self if unchanged else Answers.open(self._settings, self._model)

    def customer(
        self,
        user_id: str,
        period: Period = Period.ALL_TIME,
        breakdowns: frozenset[Breakdown] = frozenset(),
        include_predictions: bool = True,
        as_of: str | None = None,
    ) -> dict[str, object]:
        """Everything about a customer, in the order of the specification's response.

        Raises:
            CustomerNotFound: the store knows no such customer.
            ModelError: predictions are asked for, and there is no model to make them.
        """
        when = self.when(as_of)
        table = self._facts_of(user_id, period, when)
        facts = as_row(table)
        answer: dict[str, object] = {
            "success": True,
            "customer_id": user_id,
            "period": period.value,
            "revenue_summary": {name: facts[name] for name in SUMMARY_FIELDS},
            **self._queries.breakdowns(user_id, period, when, breakdowns),
        }
        if include_predictions:
            answer["predictions"] = self._predictions_of(user_id, period, table, when)
        answer |= {name: facts[name] for name in ("customer_segment", "lifecycle_stage", "activity_status")}
        answer["meta"] = self._meta(when)
        return answer

    def batch(
        self,
        customer_ids: Sequence[str],
        period: Period = Period.ALL_TIME,
        include_predictions: bool = True,
        as_of: str | None = None,
    ) -> dict[str, object]:
        """Summary, predictions and segment of many customers, in the order asked for; unknown ids are listed.

        Raises:
            InvalidParameter: no ids, or more than the settings allow.
            ModelError: predictions are asked for, and there is no model to make them.
        """
        batch.check_count(len(customer_ids), self._settings.batch_customers, "customer_ids")
        when = self.when(as_of)
        predictor = self.predictor(when) if include_predictions else None
        known = of_customers(known_at(self._store, when), pa.array(customer_ids, pa.string()))
        customers = batch.Customers(known, self._store.fetch, when, self._policy, self._store.info.currency)
        return self.complete(batch.in_order(customer_ids, customers.answers(period, predictor)), when)

    def scorer(self) -> HistoryScorer:
        """Answers about histories that are sent, from the same model.

        Raises:
            ModelError: there is none.
        """
        return HistoryScorer(self.model, self._policy, self._settings)

    @property
    def model(self) -> LoadedModel:
        """The model.

        Raises:
            ModelError: there is none.
        """
        if self._model is None:
            raise self._problem or ModelNotFound("no model is loaded")
        return self._model

    def keep_day(self) -> None:
        """Keep every customer as of the day that answers are of in memory, if they are not kept already.

        A store whose customers are more than the settings allow, or that may change unnoticed, is asked each time.

        Raises:
            CustomerRevenueError: the store cannot answer, or has no customers.
        """
        day = self.cacheable_day()
        kept = self._queries.book
        if day is None or self.info.customers > self._settings.customers_in_memory or (kept and kept.day == day):
            return
        base = self.base()
        self._queries.book = DayBook(day, *base.tables(), base.known, self._store)
        logger.info("%s customers are kept in memory as of %s", f"{self.info.customers:,}", day)

    @property
    def day_kept(self) -> bool:
        """Whether the customers of the day are kept in memory."""
        return self._queries.book is not None

    def cacheable_day(self) -> dt.date | None:
        """The day that answers are of, for which they stay the same; ``None`` where the store can change unnoticed."""
        embedded = self._store.info.url.startswith(EMBEDDED)
        return self._store.as_of(self._settings.as_of).day if embedded else None

    def base(self, as_of: str | None = None) -> CustomerBase:
        """The customer base as of a day; the one of the day asked about last is kept."""
        when = self.when(as_of)
        base = self._base
        if base is None or base.when.day != when.day:
            base = CustomerBase(self._store, when, self._policy, self._model, self._problem)
            self._base = base
        return base

    def dashboard(self, as_of: str | None = None) -> Dashboard:
        """The customer base as the page shows it, as of a day."""
        base, dashboard = self.base(as_of), self._dashboard
        if dashboard is None or dashboard.base is not base:
            dashboard = Dashboard(base, self._store, self._policy)
            self._dashboard = dashboard
        return dashboard

    @cached_property
    def customer_page(self) -> CustomerPage:
        """What a customer's page shows beside the complete answer."""
        return CustomerPage(self._store, self._queries, self._model)

    def model_card(self) -> dict[str, object]:
        """What is known about the model that answers.

        Raises:
            ModelError: there is none.
        """
        return model_card(self.model, self._store)

    def when(self, as_of: str | None) -> AsOf:
        """The moment that a day stands for; without one, the store's."""
        return self._store.as_of(parse_day(as_of) if as_of else self._settings.as_of)

    def complete(self, body: Mapping[str, object], when: AsOf) -> dict[str, object]:
        """A body as an answer, with ``success`` before it and ``meta`` after it."""
        return {"success": True, **body, "meta": self._meta(when)}

    def advice(
        self, user_id: str, ask: Callable[[Advisor, Situation], dict[str, object]], as_of: str | None = None
    ) -> dict[str, object]:
        """What the advisor says about a customer, as an answer.

        Raises:
            CustomerNotFound: the store knows no such customer.
            ModelError: there is no model.
        """
        when = self.when(as_of)
        facts = self._facts_of(user_id, Period.ALL_TIME, when)
        situation = situation_of(self._queries, self.predictor(when), user_id, facts, when)
        return self.complete({"customer_id": user_id, **ask(self._advisor, situation)}, when)

    def predictor(self, when: AsOf) -> Predictor:
        """The model's predictor, for features of a day.

        Raises:
            ModelError: there is no model.
        """
        return predictor_as_of(self.model.predictor, when.day)

    def _facts_of(self, user_id: str, period: Period, when: AsOf) -> pa.Table:
        facts = self._queries.facts_table(user_id, period, when)
        if facts.num_rows == 0:
            raise CustomerNotFound(f"no customer {user_id[:100]!r} by {when.day}")
        return facts

    def _predictions_of(self, user_id: str, period: Period, facts: pa.Table, when: AsOf) -> dict[str, object] | None:
        predictor = self.predictor(when)
        if period is not Period.ALL_TIME:
            facts = self._queries.facts_table(user_id, Period.ALL_TIME, when)
        situation = situation_of(self._queries, predictor, user_id, facts, when)
        if situation.predictions is None:
            return None
        (fields,) = prediction_fields(predictor, situation.features, situation.predictions)
        return fields | self._advisor.in_response(situation)

    def _meta(self, when: AsOf) -> dict[str, object]:
        return {
            "calculation_date": when.calculation_date,
            "data_freshness": when.freshness,
            "currency": self._store.info.currency,
            "timezone": self._store.info.timezone,
            "model_version": self.model_version,
        }
