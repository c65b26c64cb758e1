"""The analytics of the whole customer base as answers: what the API returns and ``analytics`` prints."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, cast

import pyarrow as pa

from customer_revenue import lazy_ibis as ibis
from customer_revenue.actions.barring import NO_CONSENT, BarredByDay, Barring
from customer_revenue.actions.situations import Situations
from customer_revenue.actions.terms import Terms
from customer_revenue.choices import AtRiskBy, CohortUnit, FlowBy, ForecastUnit, TopBy
from customer_revenue.errors import ModelError, ModelNotFound
from customer_revenue.orders.engines.duckdb.kept_in_memory import fetch_over_tables
from customer_revenue.orders.recipe import Recipe
from customer_revenue.orders.store import Store
from customer_revenue.periods import MONTHS_PER_YEAR, AsOf, Period
from customer_revenue.policy import Policy
from customer_revenue.revenue.arithmetic import is_over
from customer_revenue.revenue.cohorts import TriangleRow, cohorts, fill_triangle, triangle
from customer_revenue.revenue.customer_lists import check_names, top_customers
from customer_revenue.revenue.distribution import (
    concentration,
    distribution,
    lorenz_points,
    purchase_frequency,
    segment_rows,
    stage_rows,
    stages,
)
from customer_revenue.revenue.trends import TrendRow, fill_trends, trends
from customer_revenue.tables import Canonical, day_literal
from customer_revenue.workflows.bodies import Body, Row
from customer_revenue.workflows.customer_base.base_queries import (
    RiskList,
    all_customers,
    customers_at_risk,
    groups_of_rfm,
    known_trends,
    known_triangle,
    members_of_rfm,
    metrics_of_widget,
    predicted_customers_at_risk,
    refusing_marketing,
    top_predicted_customers,
)
from customer_revenue.workflows.customer_base.customer_columns import with_columns_of
from customer_revenue.workflows.customer_base.flows_and_sequences import flows_body
from customer_revenue.workflows.customer_base.listed_rows import labelled, listed_row, named_metrics, with_units
from customer_revenue.workflows.customer_base.profits import with_profits
from customer_revenue.workflows.customer_base.shop_decisions import ShopDecisions, with_main_products
from customer_revenue.workflows.customer_base.shop_reports import ShopReports
from customer_revenue.workflows.customer_base.snapshot import CustomerPredictions, CustomerSnapshot, SnapshotTables
from customer_revenue.workflows.known_tables import known_at
from customer_revenue.workflows.registry.bundles import LoadedModel

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from customer_revenue.modeling.predictor import Predictor
    from customer_revenue.modeling.shop_forecast import ShopForecast
    from customer_revenue.workflows.customer_base.snapshot_file import KeptSnapshot

PREDICTED_COLUMNS = ("estimated_ltv_cents", "churn_risk_score", "expected_revenue_cents", "next_purchase_probability")


class CustomerBase:
    """The customer base of a store as of a moment, for several threads.

    Its table of customers and their predictions is made once, when it is first needed, and kept.
    """

    def __init__(
        self,
        store: Store,
        when: AsOf,
        policy: Policy,
        model: LoadedModel | None,
        problem: ModelError | None,
        limits: BarredByDay | None = None,
    ) -> None:
        self.when: AsOf = when
        self.limits: BarredByDay | None = limits
        self.store: Store = store
        self._policy, self._model, self._problem = policy, model, problem
        self._lock, self._forecast_lock = threading.RLock(), threading.Lock()
        self._kept_terms: Terms | None = None  # of decisions that were taken over

    @cached_property
    def known(self) -> Canonical:
        """The store's tables as they were known at the moment."""
        return known_at(self.store, self.when)

    @cached_property
    def reports(self) -> ShopReports:
        """Reports that need no model."""
        return ShopReports(self.store, self.when, self._policy)

    @cached_property
    def day(self) -> ir.DateScalar:
        """The as-of day as a value of an expression."""
        return day_literal(self.when.day)

    @property
    def backtest_under_way(self) -> bool:
        """Whether the model has not been back-tested yet, and will be."""
        return self._model is not None and self._model.backtest_under_way

    def top_customers(self, by: TopBy | None, limit: int, offset: int) -> Body:
        """The customers worth most, by default by the segments' revenue; with predicted values where sorted by them."""
        by = by or TopBy(self._policy.segments.revenue_column)
        if by is TopBy.LTV:
            rows = self._of_predicted(top_predicted_customers, by, limit, offset)
        else:
            rows = self.of_listed(top_customers, by, limit, offset)
        return {
            "top_customers": [listed_row(row, self.store.info.currency) for row in rows],
            "page": {"limit": limit, "offset": offset},
        }

    def at_risk(
        self,
        activity: str,
        stage: str | None,
        segments: Collection[str] | None,
        by: AtRiskBy | None,
        limit: int,
        offset: int,
    ) -> Body:
        """Customers who may be slipping away; with what is at risk where sorted by it."""
        chosen = RiskList(activity, stage, None if segments is None else tuple(segments), by, limit, offset)
        if by is not None and not by.is_fact:
            rows = self._of_predicted(predicted_customers_at_risk, self._policy, chosen)
        else:
            rows = self.of_listed(customers_at_risk, self._policy, chosen)
        return {
            "at_risk_customers": [listed_row(row, self.store.info.currency) for row in rows],
            "page": {"limit": limit, "offset": offset},
        }

    def cohorts(self, unit: CohortUnit) -> Body:
        """Acquisition cohorts, and their retention and revenue by period since acquisition."""
        totals = self._of_customers(cohorts, unit)
        by_cohort: dict[int, list[Row]] = {}
        for cell in self.whole_triangle(unit):
            row = cell._asdict() | {
                "complete": is_over(cell.cohort_index + (cell.age + 1) * unit.months, self.when.day)
            }
            by_cohort.setdefault(row.pop("cohort_index"), []).append({k: v for k, v in row.items() if k != "customers"})
        named = [
            {**labelled(row, unit), "periods": by_cohort.get(row["cohort_index"], [])}
            for row in (with_units(total, self.store.info.currency) for total in totals)
        ]
        return {"unit": unit.value, "cohorts": named}

    def distribution(self) -> Body:
        """Revenue by segment, and how concentrated it is."""
        shares = self._of_customers(concentration)
        return {
            "distribution": [with_units(row, self.store.info.currency) for row in self._of_customers(distribution)],
            "concentration": shares[0] if shares else None,
            "lorenz": self._of_customers(lorenz_points),
        }

    def purchase_frequency(self) -> Body:
        """Customers by their mean gap between purchases."""
        rows = self._of_customers(purchase_frequency)
        return {"purchase_frequency": [with_units(row, self.store.info.currency) for row in rows]}

    def trends(self) -> Body:
        """The base month by month."""
        return {"monthly_trends": self.all_months}

    def rfm(self, group: str | None, limit: int, offset: int) -> Body:
        """The RFM groups, and the customers of one of them, best code first.

        Raises:
            InvalidParameter: no such group.
        """
        if group is not None:
            check_names("group", [group], [known.name for known in self._policy.rfm.groups])
        groups = self._of_customers(groups_of_rfm, self._policy.rfm)
        body: Body = {"groups": [with_units(row, self.store.info.currency) for row in groups]}
        if group is not None:
            members = self._of_customers(members_of_rfm, self._policy.rfm, group, limit, offset)
            body |= {"customers": members, "page": {"limit": limit, "offset": offset}}
        return body

    def segments(self) -> Body:
        """Segments and lifecycle stages with their criteria, counts and what to do about them."""
        return {
            "segments": segment_rows(self._of_customers(distribution), self._policy, self.store.info.currency),
            "stages": stage_rows(self._of_customers(stages), self._policy),
        }

    def widget(self, limit: int) -> Body:
        """The dashboard object of the specification, with its names; money in currency units."""
        with self._lock:
            recipe = Recipe(metrics_of_widget, (self._policy.segments,))
            (metrics,) = self.store.fetch_over(self._customer_rows, recipe, as_of_day=self.when.day).to_pylist()
        return {
            "topCustomers": self.top_customers(None, limit, 0)["top_customers"],
            "revenueDistribution": self.distribution()["distribution"],
            "atRiskCustomers": self.at_risk("at_risk", None, None, None, limit, 0)["at_risk_customers"],
            "monthlyTrends": self.trends()["monthly_trends"],
            "metrics": named_metrics(metrics, self.store.info.currency),
        }

    def actions(self, limit: int, offset: int) -> Body:
        """The actions that are worth most among all customers, with name and e-mail where known."""
        rows = self.action_rows(limit, offset).to_pylist()
        return {"actions": rows, "page": {"limit": limit, "offset": offset}}

    def action_rows(self, limit: int, offset: int, only: pa.Array | None = None) -> pa.Table:
        """As :meth:`actions`, as a table for an e-mail tool; for the customers of some ids only, where given."""
        with self._lock:
            listed, decisions = self._customer_rows, self._decisions
        found = decisions.most_valuable(limit, offset, only, self.barred)
        named = with_columns_of(listed.select(("customer_id", "customer_name", "customer_email")), found)
        return with_main_products(named.drop_columns(["rank"]), self.known, self.store)

    @property
    def decisions(self) -> ShopDecisions:
        """The decisions about all customers.

        Raises:
            ModelError: there is no model.
        """
        with self._lock:
            return self._decisions

    @property
    def barred(self) -> Mapping[str, Barring]:
        """Who must not be contacted on the day, by their ids, and why."""
        by_log = self.limits.barred(self.when.day) if self.limits is not None else {}
        with self._lock:
            refusing = self._refusing
        return {**by_log, **dict.fromkeys(refusing, NO_CONSENT)} if refusing else by_log

    def forecast(self, months: int, unit: ForecastUnit = ForecastUnit.MONTH) -> Body:
        """The revenue to be expected of known customers and customers to come, by month or week."""
        from customer_revenue.workflows.customer_base.forecasting import forecast_body

        forecast, trends, margin = self.shop_forecast, self.all_months, self.reports.margin
        currency = self.store.info.currency
        return forecast_body(forecast, trends, self.when, months, unit, self._policy, currency, margin)

    def flows(self, by: FlowBy, earlier: CustomerBase) -> Body:
        """Who moved from which segment, stage or RFM group to which since the day of another base."""
        days = (earlier.when.day, self.when.day)
        with self._lock:
            return flows_body(earlier._customer_rows, self._customer_rows, days, by, self._policy)

    @property
    def shop_forecast(self) -> ShopForecast:
        """The forecast of the shop, in memory.

        Raises:
            ModelError: there is no model.
        """
        with self._forecast_lock:  # it takes seconds, in which other threads may ask for customers
            return self._shop_forecast

    @cached_property
    def _all_months(self) -> list[Row]:
        return self._filled_months(self._of_known(Recipe(known_trends)))

    @cached_property
    def _shop_forecast(self) -> ShopForecast:
        from customer_revenue.workflows.customer_base.forecasting import shop_forecast
        from customer_revenue.workflows.feature_rows import feature_rows

        predictor = self._predictor()
        features = feature_rows(self.store, self.when, covariates=predictor.covariates)
        return shop_forecast(self.store, self.when, predictor, features, self._policy)

    @property
    def customers(self) -> ir.Table:
        """The all-time facts of every customer, in memory."""
        with self._lock:
            return self._customer_table

    @property
    def predictions(self) -> ir.Table:
        """The predictions of every customer, in memory.

        Raises:
            ModelError: there is no model.
        """
        with self._lock:
            return self._prediction_table

    def snapshot(self) -> CustomerSnapshot:
        """The snapshot of every customer; without predictions where nothing can be predicted.

        Raises:
            NotEnoughData: there is no customer with an order.
        """
        with self._lock:
            try:
                predictions = replace(self._predictions, decisions=self._decisions.all)
            except ModelError:
                predictions = None
            tables = SnapshotTables.of(self._listed_rows, self._refusing, predictions, self.known, self.store)
            return CustomerSnapshot(self.when.day, tables)

    def adopt(self, kept: KeptSnapshot) -> None:
        """Take over the customers, predictions and decisions of a snapshot of this base, instead of making them."""
        tables = kept.snapshot.tables
        with self._lock:
            self._listed_rows, self._customer_rows = tables.listed_rows, tables.customer_rows
            if tables.predictions is not None:
                self._predictions, self._kept_terms = tables.predictions, kept.terms

    @cached_property
    def _customer_rows(self) -> pa.Table:
        recipe = Recipe(all_customers, (self._policy,))
        rows = self.store.fetch(recipe, moment=self.when.moment_utc_naive, as_of_day=self.when.day)
        return rows.sort_by("customer_id").combine_chunks()

    @cached_property
    def _listed_rows(self) -> pa.Table:
        """The customers with what they earned the shop."""
        return with_profits(self._customer_rows, self.reports.own_profits(Period.ALL_TIME))

    @cached_property
    def _refusing(self) -> list[str]:
        found = self.store.fetch(Recipe(refusing_marketing, complete=("users",)))
        return cast("list[str]", found["customer_id"].to_pylist())

    @cached_property
    def _customer_table(self) -> ir.Table:
        return ibis.memtable(self._listed_rows)

    @cached_property
    def _predictions(self) -> CustomerPredictions:
        from customer_revenue.workflows.feature_rows import feature_rows

        predictor = self._predictor()
        return CustomerPredictions.of(predictor, feature_rows(self.store, self.when, covariates=predictor.covariates))

    @cached_property
    def _decisions(self) -> ShopDecisions:
        situations = Situations.of(self._customer_rows, self._predictions.table, self._predictor().horizon_days)
        currency, kept, made = self.store.info.currency, self._kept_terms, self._predictions.decisions
        if kept is not None and made is not None:
            return ShopDecisions.made(situations, self._policy, currency, kept, made)
        rate = self.reports.margin
        margin = None if rate.basis == "assumed" else rate.share
        return ShopDecisions(situations, self._policy, currency, margin, rate.basis)

    @cached_property
    def _prediction_table(self) -> ir.Table:
        return ibis.memtable(self._prediction_rows)

    @cached_property
    def _prediction_rows(self) -> pa.Table:
        return self._decisions.with_statuses(self._predictions.table.select(("customer_id", *PREDICTED_COLUMNS)))

    def _predictor(self) -> Predictor:
        if self._model is None:
            raise self._problem or ModelNotFound("no model is loaded")
        return self._model.predictor.as_of(self.when.day)

    def rows(self, table: ir.Table) -> list[Row]:
        """Run a query over the tables of this base."""
        return cast("list[Row]", self.store.fetch(table).to_pylist())

    @property
    def all_months(self) -> list[Row]:
        """Each month of all customers; worked out once."""
        with self._lock:
            return self._all_months

    def months(self, known: Canonical, first_day: ir.DateScalar | None = None) -> list[Row]:
        """Each month of some of the store's tables, from a day on."""
        return self._filled_months(self.rows(trends(known, first_day)))

    def whole_triangle(self, unit: CohortUnit) -> list[TriangleRow]:
        """The cohort triangle of all customers."""
        return self._filled(self._of_known(Recipe(known_triangle, (unit,))), unit)

    def triangle(self, known: Canonical, unit: CohortUnit) -> list[TriangleRow]:
        """The cohort triangle of some of the store's tables."""
        return self._filled(self.rows(triangle(known, unit)), unit)

    def _filled(self, rows: Iterable[Row], unit: CohortUnit) -> list[TriangleRow]:
        last = self.when.day.year * MONTHS_PER_YEAR + self.when.day.month - 1
        return fill_triangle([TriangleRow(**row) for row in rows], last - last % unit.months, unit)

    def _filled_months(self, rows: Iterable[Row]) -> list[Row]:
        return fill_trends([TrendRow(**row) for row in rows], self.when.day)

    def _of_customers(self, build: Callable[..., ir.Table], *arguments: object) -> list[Row]:
        """The rows of a query over the table of customers, given after it the arguments."""
        with self._lock:
            found = self.store.fetch_over(self._customer_rows, Recipe(build, arguments))
        return cast("list[Row]", found.to_pylist())

    def of_listed(self, build: Callable[..., ir.Table], *arguments: object) -> list[Row]:
        """The rows of a query over the table of customers with their profit, given after it the arguments."""
        with self._lock:
            found = self.store.fetch_over(self._listed_rows, Recipe(build, arguments))
        return cast("list[Row]", found.to_pylist())

    def _of_predicted(self, build: Callable[..., ir.Table], *arguments: object) -> list[Row]:
        """The rows of a query over customers with their profit, and over their predictions."""
        with self._lock:
            tables = (self._listed_rows, self._prediction_rows)
        return cast("list[Row]", fetch_over_tables(Recipe(build, arguments), tables).to_pylist())

    def _of_known(self, recipe: Recipe) -> list[Row]:
        """The rows of a query over the store's tables, as they were known at the moment."""
        return cast("list[Row]", self.store.fetch(recipe, moment=self.when.moment_utc_naive).to_pylist())
