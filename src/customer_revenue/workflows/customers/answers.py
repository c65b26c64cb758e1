"""The complete answer about a customer: what ``show`` prints and the API returns."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cached_property

import pyarrow as pa

from customer_revenue.errors import CustomerNotFound, ModelError
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf, Period
from customer_revenue.policy import Policy
from customer_revenue.settings import Settings
from customer_revenue.workflows.customer_base.analytics import CustomerBase
from customer_revenue.workflows.customer_base.dashboard import Dashboard
from customer_revenue.workflows.customers import batch
from customer_revenue.workflows.customers.advice import Advisor, Situation, situation_of
from customer_revenue.workflows.customers.detail import CustomerPage
from customer_revenue.workflows.customers.posted_orders import HistoryScorer
from customer_revenue.workflows.customers.prediction_fields import prediction_fields
from customer_revenue.workflows.customers.session import Source
from customer_revenue.workflows.customers.store_reader import SUMMARY_FIELDS, Breakdown, CustomerQueries, as_row
from customer_revenue.workflows.feature_rows import known_at, of_customers
from customer_revenue.workflows.registry.bundles import LoadedModel
from customer_revenue.workflows.registry.model_card import model_card

logger = logging.getLogger(__name__)


class Answers(Source):
    """Answers from one source. Queries are compiled once, on opening.

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
        super().__init__(store, model, problem, settings, policy)
        self._queries = CustomerQueries(store, self._policy, self.freshness)
        self._advisor = Advisor(store, self._queries, self._policy)
        self._base: CustomerBase | None = None
        self._kept_base: CustomerBase | None = None
        """The customer base of the day that is kept in memory."""
        self._dashboard: Dashboard | None = None

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

    def is_cached(self, user_id: str, period: Period, breakdowns: frozenset[Breakdown], as_of: str | None) -> bool:
        """Whether :meth:`customer` finds everything in memory, and asks no store."""
        return as_of is None and self._queries.is_cached(user_id, period, breakdowns, self.when(None))

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

    def refresh_snapshot(self) -> None:
        """Keep every customer as of the day that answers are of in memory, if they are not kept already.

        A store whose customers are more than the settings allow, or that may change unnoticed, is asked each time.

        Raises:
            CustomerRevenueError: the store cannot answer, or has no customers.
        """
        day = self.cacheable_day()
        kept = self._queries.book
        if day is None or self.info.customers > self._settings.customers_in_memory or (kept and kept.day == day):
            return
        copy = self._store.copied(self._settings)
        base = self._base_of(copy, self.when(None)) if copy else self.base()
        book = base.day_book()
        if self._store.stale():
            return  # it changed while it was read: whoever sees that opens the newer one
        self._queries.book, self._kept_base, self._base = book, base, None
        logger.info("%s customers are kept in memory as of %s", f"{self.info.customers:,}", day)

    @property
    def has_snapshot(self) -> bool:
        """Whether the customers of the day are kept in memory."""
        return self._queries.book is not None

    def base(self, as_of: str | None = None) -> CustomerBase:
        """The customer base as of a day; the one of the day asked about last is kept."""
        when = self.when(as_of)
        kept, base = self._kept_base, self._base
        if kept is not None and kept.when.day == when.day and self.freshness.is_valid:
            return kept
        if base is None or base.when.day != when.day:
            base = self._base = self._base_of(self._store, when)
        return base

    def dashboard(self, as_of: str | None = None) -> Dashboard:
        """The customer base as the page shows it, as of a day."""
        base, dashboard = self.base(as_of), self._dashboard
        if dashboard is None or dashboard.base is not base:
            dashboard = Dashboard(base, self._policy)
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

    def _base_of(self, store: Store, when: AsOf) -> CustomerBase:
        return CustomerBase(store, when, self._policy, self._model, self._problem)

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
        foreseen = situation.foreseen
        if foreseen is None:
            return None
        (fields,) = prediction_fields(predictor, foreseen.predictions, foreseen.grounds)
        return fields | self._advisor.in_response(situation)
