"""The responses about customers: what ``show`` prints and the API returns."""

from __future__ import annotations

import datetime as dt
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

import pyarrow as pa
from typing_extensions import override

from customer_revenue.actions.barring import NO_CONSENT, Barring
from customer_revenue.actions.terms import Terms
from customer_revenue.choices import Breakdown, FirstDayBy, FlowBy
from customer_revenue.errors import InvalidParameter, StoreError
from customer_revenue.periods import AsOf, Period, parse_day
from customer_revenue.policy import LearnedEffect, load_policy
from customer_revenue.revenue.main_product import main_product
from customer_revenue.settings import Settings
from customer_revenue.spans import span
from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.customers.horizons import horizon_bodies
from customer_revenue.workflows.customers.kept_terms import KeptTerms
from customer_revenue.workflows.customers.response import customer_body, prediction_bodies, prediction_body, with_texts
from customer_revenue.workflows.customers.session_in_memory import SessionInMemory
from customer_revenue.workflows.customers.snapshot_reader import SnapshotCustomer
from customer_revenue.workflows.customers.store_reader import CustomerQueries, StoredCustomer
from customer_revenue.workflows.known_tables import CompleteOrders, known_at, of_customers
from customer_revenue.workflows.registry.bundles import LoadedModel

if TYPE_CHECKING:
    from customer_revenue.workflows.campaigns.audience import Audience
    from customer_revenue.workflows.campaigns.campaign_file import CampaignFile
    from customer_revenue.workflows.campaigns.create_campaign import CampaignPlan
    from customer_revenue.workflows.customer_base.analytics import CustomerBase
    from customer_revenue.workflows.customer_base.dashboard import Dashboard
    from customer_revenue.workflows.customers.advice import Advisor, Situation
    from customer_revenue.workflows.customers.detail import CustomerDetail
    from customer_revenue.workflows.customers.posted_orders import HistoryScorer

FLOW_DAYS = 90
"""Days of movements between segments where no other day is asked for."""

MAX_KEPT_TERMS = 64
"""Maximum number of days whose terms of decisions are kept."""


class Answers(SessionInMemory):
    """Responses from one session. Queries are compiled once: when it is opened, or when they are first used.

    Usable from several threads; its responses change only as time passes. What a response needs is imported when it is
    asked for: a command gives one, and importing everything takes longer than most.
    """

    _dashboard: Dashboard | None = None

    @override
    @classmethod
    def open(
        cls,
        settings: Settings,
        previous: LoadedModel | None = None,
        *,
        lazily: bool = False,
        try_first: bool = False,
    ) -> Self:
        answers = super().open(settings, previous, lazily=lazily, try_first=try_first)
        if not lazily:
            assert answers._queries
            assert answers._advisor
        return answers

    @cached_property
    def _terms(self) -> dict[dt.date, Terms]:
        return {}

    @cached_property
    def _queries(self) -> CustomerQueries:
        return CustomerQueries(self._store, self._policy)

    @cached_property
    def _advisor(self) -> Advisor:
        from customer_revenue.workflows.customers.advice import Advisor

        mine = self._weakly()
        return Advisor(
            self._store,
            self._policy,
            lambda when: mine._base_on(when).shop_forecast.factors,
            lambda when: mine._decision_terms(when),
            lambda customer: mine.barred(customer),
        )

    def _weakly(self) -> Self:
        """Itself, for what it keeps and alone asks: in a cycle, a store that was replaced would stay open for long."""
        return cast("Self", weakref.proxy(self))

    def find(self, user_id: str, when: AsOf) -> StoredCustomer:
        """The reader of one customer: the snapshot in memory if it is of that day and holds them, else the store."""
        snapshot = self._snapshot
        if snapshot is not None and snapshot.day == when.day and self.freshness.is_valid:
            place = snapshot.place(user_id)
            if place is not None:
                return SnapshotCustomer(self._queries, user_id, when, snapshot, place)
        if self.freshness.is_away:
            raise StoreError("the store does not respond, and this is not in memory; try again later")
        return StoredCustomer(self._queries, user_id, when)

    def customer(
        self,
        user_id: str,
        period: Period = Period.ALL_TIME,
        breakdowns: frozenset[Breakdown] = frozenset(),
        include_predictions: bool = True,
        as_of: str | None = None,
        horizons_days: Sequence[int] = (),
    ) -> Body:
        """Everything about a customer, in the order of the specification's response.

        Raises:
            CustomerNotFound: the store knows no such customer.
            ModelError: predictions are asked for, and there is no model to make them.
        """
        customer = self.find(user_id, self.when(as_of))
        return self.response(customer, period, breakdowns, include_predictions, horizons_days)

    def response(
        self,
        customer: StoredCustomer,
        period: Period = Period.ALL_TIME,
        breakdowns: frozenset[Breakdown] = frozenset(),
        include_predictions: bool = True,
        horizons_days: Sequence[int] = (),
    ) -> Body:
        """As :meth:`customer`, of a customer that :meth:`find` gave."""
        if include_predictions and not customer.holds(period, breakdowns):
            customer.facts(period)  # the predictions need them as a table
        facts = with_texts(customer.fact(period))
        found = customer.breakdowns(period, breakdowns)
        body = customer_body(
            facts,
            period,
            profit=customer.profit(period),
            predictions=self._predicted(customer, horizons_days) if include_predictions else None,
            include_predictions=include_predictions,
            breakdowns=found,
        )
        return self.complete(body, customer.when)

    def batch(
        self,
        customer_ids: Sequence[str],
        period: Period = Period.ALL_TIME,
        include_predictions: bool = True,
        as_of: str | None = None,
        *,
        between: Callable[[], None] | None = None,
    ) -> Body:
        """Summary, predictions and segment of many customers, in the order asked for; unknown ids are listed.

        Args:
            customer_ids: of the customers.
            period: of the summaries.
            include_predictions: whether to predict.
            as_of: the day; by default the store's own moment.
            between: is called before each part of the work, and may raise to stop it.

        Raises:
            InvalidParameter: no ids, or more than the settings allow.
            ModelError: predictions are asked for, and there is no model to make them.
        """
        from customer_revenue.workflows.customers.batch import (
            CustomerGroup,
            barred_among,
            check_count,
            in_order,
            in_parts,
            kept_parts,
            uninterrupted,
        )

        check_count(len(customer_ids), self._settings.batch_customers, "customer_ids")
        when = self.when(as_of)
        predictor = self.predictor(when) if include_predictions else None
        currency = self._store.info.currency
        terms, complete = partial(self._decision_terms, when), CompleteOrders.of(self._store)
        found: dict[str, Body] = {}
        for ids in in_parts(list(dict.fromkeys(customer_ids)), between or uninterrupted):
            known = of_customers(known_at(self._store, when), pa.array(ids, pa.string()))
            kept = kept_parts(self._snapshot if self.freshness.is_valid else None, ids, when.day)
            barred = partial(barred_among, self._store, self.limits, ids, when, kept)
            group = CustomerGroup(known, complete, self._store.fetch, when, self._policy, currency, terms, barred, kept)
            found |= group.bodies(period, predictor)
        return self.complete(in_order(customer_ids, found), when)

    def scorer(self) -> HistoryScorer:
        """Scores posted histories with the same model.

        Raises:
            ModelError: there is none.
        """
        from customer_revenue.workflows.customers.posted_orders import HistoryScorer

        return HistoryScorer.of(self.model, self._policy, self._settings)

    def dashboard(self, as_of: str | None = None) -> Dashboard:
        """The customer base as the page shows it, as of a day."""
        from customer_revenue.workflows.customer_base.dashboard import Dashboard

        base, dashboard = self.base(as_of), self._dashboard
        if dashboard is None or dashboard.base is not base:
            dashboard = Dashboard(base, self._policy)
            self._dashboard = dashboard
        return dashboard

    def of_base(self, ask: Callable[[CustomerBase], Body], as_of: str | None = None) -> Body:
        """What the customer base says as of a day, as a response."""
        base = self.base(as_of)
        return self.complete(ask(base), base.when)

    def acquisition(
        self, by: FirstDayBy, payback_days: int, as_of: str | None = None, costs: Path | None = None
    ) -> Body:
        """What new customers are worth and may cost; ``costs`` overrides the setting ``acquisition_costs``."""
        path = costs or self._settings.acquisition_costs
        return self.of_base(lambda base: base.reports.acquisition(by, payback_days, path), as_of)

    def flows(self, by: FlowBy, since: str | None, as_of: str | None = None) -> Body:
        """Who moved from which segment, stage or RFM group to which; by default since 90 days before.

        Raises:
            InvalidParameter: ``since`` is no day before the as-of day.
        """
        when = self.when(as_of)
        day = parse_day(since, "since") if since else when.day - dt.timedelta(days=FLOW_DAYS)
        if day >= when.day:
            raise InvalidParameter(f"since: {day} is not before {when.day}, the day up to which movements are counted")
        return self.of_base(lambda base: base.flows(by, self._base_of(base.store, self._store.as_of(day))), as_of)

    def of_dashboard(self, ask: Callable[[Dashboard], Body], as_of: str | None = None) -> Body:
        """What the page's customer base says as of a day, as a response."""
        dashboard = self.dashboard(as_of)
        return self.complete(ask(dashboard), dashboard.base.when)

    def create_campaign(
        self, file: CampaignFile, plan: CampaignPlan, audience: Audience, as_of: str | None = None
    ) -> Body:
        """Record a campaign that begins after a day, as a response."""
        from customer_revenue.workflows.campaigns.create_campaign import create_campaign

        return self.of_base(lambda base: create_campaign(base, file, plan, audience), as_of)

    def campaign_report(self, file: CampaignFile, name: str, as_of: str | None = None) -> Body:
        """What a campaign brought until a day, as a response."""
        from customer_revenue.workflows.campaigns.campaign_report import campaign_report

        when = self.when(as_of)
        # What was believed before the campaign, where it has been learned meanwhile.
        policy = load_policy(self._settings.policy, self._settings.learned_effects, without=name)
        return self.complete(campaign_report(self._store, policy, file, name, when), when)

    def learn_campaign(self, file: CampaignFile, name: str, learned: Path) -> tuple[LearnedEffect, Body]:
        """Record what a finished campaign measured in a file of learned effects; also returns its report."""
        from customer_revenue.workflows.campaigns.campaign_report import uplift_to_learn
        from customer_revenue.workflows.campaigns.learn_effect import learn_effect

        campaign, report = file.campaign(name), self.campaign_report(file, name)
        uplift = uplift_to_learn(self._store, load_policy(self._settings.policy), file, report)
        return learn_effect(learned, campaign, report, uplift), report

    def compare_policies(self, before: Path, after: Path, as_of: str | None = None) -> Body:
        """How the decisions of two policy files differ, as a response."""
        from customer_revenue.workflows.campaigns.policy_comparison import compare_decisions

        when = self.when(as_of)
        policies = [load_policy(path, self._settings.learned_effects) for path in (before, after)]
        decided = [self._base_of(self._store, when, policy).decisions for policy in policies]
        return self.complete(compare_decisions(decided[0], decided[1], self._store, when), when)

    def campaigns(self, file: CampaignFile) -> Body:
        """The campaigns of a file, as a response."""
        from customer_revenue.workflows.campaigns.create_campaign import campaign_fields

        when = self.when(None)
        return self.complete({"campaigns": [campaign_fields(one, when.day) for one in file.campaigns()]}, when)

    @cached_property
    def detail(self) -> CustomerDetail:
        """What a customer's page shows in addition to the response."""
        from customer_revenue.workflows.customers.detail import CustomerDetail

        mine = self._weakly()
        return CustomerDetail(self._store, (lambda when: mine.predictor(when)) if self._model else None)

    def model_card(self) -> dict[str, object]:
        """What is known about the model in use.

        Raises:
            ModelError: there is none.
        """
        from customer_revenue.workflows.registry.model_card import model_card

        return model_card(self.model, self._store)

    def advice(self, user_id: str, ask: Callable[[Advisor, Situation], Body], as_of: str | None = None) -> Body:
        """What the advisor says about a customer, as a response.

        Raises:
            CustomerNotFound: the store knows no such customer.
            ModelError: there is no model.
        """
        from customer_revenue.workflows.customers.advice import Situation

        customer = self.find(user_id, self.when(as_of))
        customer.facts(Period.ALL_TIME)
        situation = Situation.of(customer, self.predictor(customer.when))
        return self.complete({"customer_id": user_id, **ask(self._advisor, situation)}, customer.when)

    def barred(self, customer: StoredCustomer) -> Mapping[str, Barring]:
        """Whether a customer must not be contacted, and why, by their id; empty if they may be."""
        if customer.refuses_marketing():
            return {customer.customer_id: NO_CONSENT}
        found = self.limits.barred(customer.when.day).get(customer.customer_id)
        return {} if found is None else {customer.customer_id: found}

    def _decision_terms(self, when: AsOf) -> Terms:
        """What is the same for all decisions as of a moment, kept for the days asked about last.

        A store with more customers than are kept in memory is not read whole for it.
        """
        of_snapshot = self._snapshot_base
        if of_snapshot is not None and of_snapshot.when.day == when.day:
            return of_snapshot.decisions.terms
        if self.info.customers > self._settings.customers_in_memory:
            return Terms()
        if when.day not in self._terms:
            if len(self._terms) >= MAX_KEPT_TERMS:
                self._terms.clear()
            self._terms[when.day] = self._terms_on(when)
        return self._terms[when.day]

    def _terms_on(self, when: AsOf) -> Terms:
        def find() -> Terms:
            return self._base_on(when).decisions.terms

        if not self._store.reports_changes:
            return find()
        model, policy = self.model_on(when), self._policy.model_dump_json()
        key = (self.info.id, self.info.fingerprint, when.day.isoformat(), model.version, model.identity, policy)
        return KeptTerms().get(key, find)

    def _predicted(self, customer: StoredCustomer, horizons_days: Sequence[int]) -> Body | None:
        with span("model.answer", customers=1):
            return self._predictions(customer, horizons_days)

    def _predictions(self, customer: StoredCustomer, horizons_days: Sequence[int]) -> Body | None:
        predictor, currency = self.predictor(customer.when), self._store.info.currency
        earned, barred = customer.profit(Period.ALL_TIME), self.barred(customer)
        product = main_product(customer.products(Period.ALL_TIME))
        terms = partial(self._decision_terms, customer.when)
        name, kept = customer.customer_id, customer.predicted_row()
        if kept is not None:
            fact = customer.fact(Period.ALL_TIME)
            body = prediction_body(
                predictor, fact, kept, self._policy, currency, terms(), earned, barred.get(name), product
            )
        else:
            found = customer.predictions(predictor)
            if found is None:
                return None
            facts, products = customer.facts(Period.ALL_TIME), {} if product is None else {name: product}
            given = (self._policy, currency, terms, {name: earned}, barred, products)
            body = prediction_bodies(predictor, facts, found, *given)[name]
        if horizons_days:
            body["horizons"] = horizon_bodies(predictor, customer.features(predictor.covariates), horizons_days)
        return body
