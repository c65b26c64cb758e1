"""The predictor: probability models, boosted corrections and one curve per customer, behind one ``predict``."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pyarrow as pa

from customer_revenue.arrays import Floats
from customer_revenue.errors import NotEnoughData
from customer_revenue.modeling.baselines import FEATURE_NAMES, BaselineModels, BaselinePrediction
from customer_revenue.modeling.chunks import map_chunks, one_blas_thread
from customer_revenue.modeling.churn_model import ChurnModel
from customer_revenue.modeling.covariates import CovariateColumns
from customer_revenue.modeling.ensemble import FittedEnsemble
from customer_revenue.modeling.population import Population
from customer_revenue.modeling.predictive_distribution import (
    CountForecast,
    Dispersion,
    RevenueForecast,
    interval_notes,
    revenue_quantiles,
)
from customer_revenue.modeling.purchase_forecast import PurchaseForecast
from customer_revenue.modeling.purchase_histories import column, columns
from customer_revenue.modeling.purchase_models import ModifiedBetaGeoCNBDk
from customer_revenue.modeling.revenue_path import RevenuePaths
from customer_revenue.modeling.rolling_windows import NEXT_DAYS, Window, short_horizons
from customer_revenue.modeling.shap_reasons import ReasonInputs, churn_reasons, contributions
from customer_revenue.modeling.shop_prior import ShopPrior
from customer_revenue.modeling.tiers import Tier
from customer_revenue.settings import ModelOptions
from customer_revenue.tables import PREDICTION_SCHEMA

MIN_REPEAT_CUSTOMERS = 30
MIN_CUSTOMERS_TO_LEARN = 300
TOO_SHORT = "too few customers, or too short a history, to learn from past windows"
CUSTOMERS_PER_WINDOW = 50_000
"""Boosters are trained on at most about this many customers of each window; more of them hardly change a tree."""

REFUND_PRIOR_DAYS = 5.0


class Predictor:
    """Predicts each customer's purchases and revenue from their behaviour up to a day.

    Args:
        as_of_day: the day that the current features are of.
        horizon_days: H, the horizon of the lifetime value, and of a back-test.
        interval_mass: probability between the ends of an interval, which leave out half of the rest on each side.
        discount_rate_per_year: of future revenue.
        seed: of everything random in training.
        options: variant of the models to fit, and the window of the churn score.
        covariates: columns of the features that the boosters are given too, such as the channel of the first order.
    """

    def __init__(
        self,
        as_of_day: dt.date,
        horizon_days: int = 365,
        interval_mass: float = 0.8,
        discount_rate_per_year: float = 0.1,
        seed: int = 0,
        options: ModelOptions | None = None,
        covariates: Sequence[str] = (),
    ) -> None:
        self.as_of_day = as_of_day
        self.trained_until: dt.date = as_of_day
        self.horizon_days = horizon_days
        self.interval_mass = interval_mass
        self.discount_rate_per_year = discount_rate_per_year
        self.seed = seed
        self.options: ModelOptions = options or ModelOptions()
        self.covariates: tuple[str, ...] = tuple(covariates)
        self.tier_: Tier = Tier.FACTS_ONLY
        self.tier_reason_: str = "not fitted"
        self.base_: BaselineModels | None = None
        self.learned_: FittedEnsemble | None = None
        self.prior_: ShopPrior | None = None
        self.refund_rate_: float = 0.0
        self.refund_prior_cents_: float = 0.0

    @property
    def churn_days(self) -> int:
        """Window of the churn score."""
        return self.options.churn_days

    @property
    def _short_horizons(self) -> tuple[int, ...]:
        return short_horizons(self.churn_days)

    def as_of(self, day: dt.date) -> Self:
        """The same predictor for features of another day than the one that it was trained on, ``trained_until``."""
        moved = copy.copy(self)
        moved.as_of_day = day
        return moved

    @one_blas_thread()
    def fit(self, current: Population | pa.Table, windows: Sequence[Window] = ()) -> Self:
        """Fit on the customers of the as-of day, and on windows that ended by then, latest first.

        Args:
            current: the customers as an engine counted them, or a table of the features of all.
            windows: earlier windows.

        Raises:
            NotEnoughData: there is no customer at all.
        """
        from customer_revenue.modeling.fit_ensemble import learn, too_little_happened  # not imported for an answer
        from customer_revenue.modeling.rhythm_choice import chosen_rhythm
        from customer_revenue.modeling.season import around_season
        from customer_revenue.modeling.training_windows import TrainingWindow

        customers = current if isinstance(current, Population) else Population.of(current)
        if not customers.customers:
            raise NotEnoughData("there is no customer to learn from")
        self.refund_rate_ = min(customers.refund_cents / max(customers.total_cents, 1.0), 1.0)
        self.refund_prior_cents_ = REFUND_PRIOR_DAYS * customers.total_cents / customers.purchase_days
        repeats = customers.repeats
        if repeats < MIN_REPEAT_CUSTOMERS:
            self.base_ = BaselineModels.of_population(customers)
            self.tier_ = Tier.POPULATION
            self.tier_reason_ = (
                f"only {repeats} customers have bought on two days; {MIN_REPEAT_CUSTOMERS} are needed"
                if repeats
                else "no customer has bought on two days: how often customers return is that of a typical shop"
            )
            return self
        options = self.options
        usable = [w for w in windows if np.sum(column(w.features, "frequency") > 0) >= MIN_REPEAT_CUSTOMERS]
        enough = [w for w in usable if not w.of_other_quarter]
        given = ModifiedBetaGeoCNBDk(options.regularity) if options.regularity else None
        rhythm = given or chosen_rhythm(customers.sample, enough[0] if enough else None)
        coding = CovariateColumns.coded(customers.sample, self.covariates)
        self.base_ = BaselineModels.fitted(
            customers, rhythm, with_pareto=options.pareto, penalizer=options.penalizer, covariates=coding
        )
        self.tier_ = Tier.PROBABILITY_MODELS
        if not options.learned:
            self.tier_reason_ = "learning from past windows is switched off"
            return self
        if not enough or enough[0].features.num_rows < MIN_CUSTOMERS_TO_LEARN:
            return self._unlearned(customers, TOO_SHORT)
        lags = [(self.as_of_day - w.cutoff).days for w in enough]
        training_windows = [
            TrainingWindow.of(
                w.sample(CUSTOMERS_PER_WINDOW), lag, rhythm, latest=not i, options=options, covariates=coding
            )
            for i, (w, lag) in enumerate(zip(enough, lags, strict=True))
        ]
        if too_little := too_little_happened(training_windows):
            return self._unlearned(customers, too_little)
        season = around_season(usable, self.as_of_day, self.base_, CUSTOMERS_PER_WINDOW)
        known = self._baseline(customers.sample), customers.sample.column("customer_id")
        training_windows, season = ([w.of_others(*known) for w in ws] for ws in (training_windows, season))
        horizons = self.horizon_days, self._short_horizons
        learned = learn(training_windows, season, *horizons, self.seed, options.trees, prior=options.prior)
        self.learned_ = learned.centered(known[0], self.horizon_days)
        self.tier_, self.tier_reason_ = Tier.FULL, "enough customers and history for every model"
        own = self.learned_.own
        if not own.all_own:
            self.base_ = self.base_.with_beta_geo(customers.histories)
            self.tier_reason_ += f"; {own.reason}"
        return self

    def _unlearned(self, customers: Population, reason: str) -> Self:
        """Nothing can be learned from the shop's own windows: what other shops taught remains."""
        self.tier_reason_ = reason
        if self.options.prior:
            sample = self._baseline(customers.sample)
            self.prior_ = ShopPrior.shipped(sample, self.horizon_days, self._short_horizons)
        return self

    def predict(self, features: pa.Table, horizon_days: int | None = None) -> pa.Table:
        """Predictions of the customers in a table of features, one row each, in its order.

        Args:
            features: the columns ``FEATURE_COLUMNS``, as of the as-of day.
            horizon_days: of the expected purchases and revenue; H by default.

        Raises:
            NotEnoughData: there are facts but no predictions.
        """
        horizon = self.horizon_days if horizon_days is None else horizon_days
        return pa.concat_tables(map_chunks(lambda some: self._predict(some, self._baseline(some), horizon), features))

    def predict_with_reasons(self, features: pa.Table) -> tuple[pa.Table, ReasonInputs]:
        """The predictions of :meth:`predict` and the inputs of their reasons, from one pass over the features.

        Raises:
            NotEnoughData: there are facts but no predictions.
        """

        def both(some: pa.Table) -> tuple[pa.Table, ReasonInputs]:
            baseline = self._baseline(some)
            return self._predict(some, baseline, self.horizon_days), self._reason_inputs(some, baseline)

        tables, inputs = zip(*map_chunks(both, features), strict=True)
        return pa.concat_tables(tables), ReasonInputs.joined(inputs)

    def _baseline(self, features: pa.Table) -> BaselinePrediction:
        return BaselinePrediction.of(features, self._fitted_base())

    def _forecast(self, baseline: BaselinePrediction) -> PurchaseForecast:
        return PurchaseForecast(baseline, self.learned_, self.horizon_days, self._short_horizons, self.prior_)

    def _predict(self, features: pa.Table, baseline: BaselinePrediction, horizon_days: int) -> pa.Table:
        forecast = self._forecast(baseline)
        curve, spend_cents, dispersion = forecast.curve, forecast.spend_cents, forecast.dispersion
        counts = ltv_counts = forecast.counts(horizon_days)
        one = np.ones(features.num_rows)
        relative = ltv_relative = revenue_quantiles(counts, one, dispersion, self.interval_mass)
        if horizon_days != self.horizon_days:
            ltv_counts = forecast.counts(self.horizon_days)
            ltv_relative = revenue_quantiles(ltv_counts, one, dispersion, self.interval_mass)
        net_share = 1 - self._refund_rates(features)
        revenue = counts.expected * spend_cents
        future = self._future_cents(forecast, ltv_counts.expected, net_share, self.horizon_days)
        purchases = counts.quantiles(self.interval_mass)
        money, coming = relative.times(revenue), ltv_relative.times(future)
        past = column(features, "total_cents") - column(features, "refund_cents")
        within = curve.at(self.horizon_days)
        middle, early, late = (self._date(curve.when(within * share)) for share in (0.5, 0.1, 0.9))
        return pa.table(
            {
                "customer_id": features.column("customer_id"),
                "expected_purchases": counts.expected,
                "purchases_low": purchases.low.astype(np.int64),
                "purchases_median": purchases.median.astype(np.int64),
                "purchases_high": purchases.high.astype(np.int64),
                "expected_revenue_cents": revenue,
                "revenue_low_cents": money.low,
                "revenue_median_cents": money.median,
                "revenue_high_cents": money.high,
                "interval_mass": np.full(len(revenue), self.interval_mass),
                "purchase_probability": counts.p,
                "next_purchase_date": middle,
                "next_purchase_date_low": early,
                "next_purchase_date_high": late,
                "next_purchase_probability": curve.at(NEXT_DAYS),
                "churn_risk_score": 1 - curve.at(self.churn_days),
                "probability_alive": curve.at(np.inf),
                "expected_net_revenue_cents": revenue * net_share,
                "estimated_ltv_cents": past + future,
                "ltv_low_cents": past + coming.low,
                "ltv_median_cents": past + coming.median,
                "ltv_high_cents": past + coming.high,
                "interval_note": interval_notes(
                    counts, [(counts.expected, purchases), (revenue, money), (future, coming)]
                ),
                "tier": pa.array([str(self.tier_)] * features.num_rows, pa.string()),
            },
            schema=PREDICTION_SCHEMA,
        )

    def distributions(self, features: pa.Table, predictions: pa.Table) -> tuple[CountForecast, RevenueForecast]:
        """The distributions of purchases and revenue that the intervals of :meth:`predict` are quantiles of.

        Args:
            features: that were predicted from.
            predictions: of the same customers, in the same order.
        """
        dispersion = self.learned_.dispersion if self.learned_ else Dispersion()
        counts = CountForecast(
            column(predictions, "expected_purchases"),
            column(predictions, "purchase_probability"),
            dispersion.sizes(column(features, "frequency")),
        )
        return counts, RevenueForecast.of(counts, column(predictions, "expected_revenue_cents"), dispersion)

    def lifetime_value(self, features: pa.Table, horizon_days: int) -> Floats:
        """Each customer's net revenue so far and, discounted, that of a horizon, in cents; the LTV at the horizon H."""

        def value(some: pa.Table) -> Floats:
            forecast, net_share = self._forecast(self._baseline(some)), 1 - self._refund_rates(some)
            expected = forecast.expected_purchases(horizon_days)
            past = column(some, "total_cents") - column(some, "refund_cents")
            return past + self._future_cents(forecast, expected, net_share, horizon_days)

        return np.concatenate(map_chunks(value, features))

    def _future_cents(self, forecast: PurchaseForecast, expected: Floats, net_share: Floats, days: int) -> Floats:
        """Net revenue of the expected purchases of a horizon, discounted."""
        discount = forecast.discounted_share(self.discount_rate_per_year, days)
        return expected * forecast.spend_cents * net_share * discount

    def expected_purchases(self, features: pa.Table, days: Sequence[float]) -> Floats:
        """Expected purchase days of each customer (rows) within each number of days (columns)."""

        def paths(some: pa.Table) -> Floats:
            forecast = self._forecast(self._baseline(some))
            return np.column_stack([forecast.expected_purchases(day) for day in days])

        return np.concatenate(map_chunks(paths, features))

    def revenue_paths(self, features: pa.Table, days: Sequence[int]) -> list[RevenuePaths]:
        """The path of each customer through some days up to three years, in parts of the features, in their order."""

        def paths(some: pa.Table) -> RevenuePaths:
            return self._forecast(self._baseline(some)).paths(self.as_of_day, days, 1 - self._refund_rates(some))

        return map_chunks(paths, features)

    def members(self, features: pa.Table, horizon_days: int) -> dict[str, tuple[Floats, Floats, Floats]]:
        """Each member alone: expected purchases, expected revenue, chance of a purchase.

        Empty where nothing was learned, so that there is no ensemble.
        """
        if self.learned_ is None:
            return {}
        return self._forecast(self._baseline(features)).members(horizon_days)

    def weights(self) -> dict[str, float]:
        """How much each member and each learned correction counts, by name; empty where nothing was learned."""
        return self.learned_.weights.named() if self.learned_ else {}

    def curve(self, features: pa.Table, days: Sequence[float]) -> Floats:
        """F(t) of each customer (rows) at each day (columns); infinity gives the probability of being alive."""
        curve = self._forecast(self._baseline(features)).curve
        return np.column_stack([curve.at(day) for day in days])

    def reason_inputs(self, features: pa.Table) -> ReasonInputs:
        """The inputs of the reasons for each customer's churn score, to be kept until the reasons are needed.

        Raises:
            NotEnoughData: there are facts but no predictions.
        """
        return ReasonInputs.joined(map_chunks(lambda some: self._reason_inputs(some, self._baseline(some)), features))

    def _reason_inputs(self, features: pa.Table, baseline: BaselinePrediction) -> ReasonInputs:
        return ReasonInputs.of(features, baseline, self.churn_days if self._churn_classifier else None)

    def reasons(self, inputs: ReasonInputs, currency: str = "") -> list[list[str]]:
        """The drivers of each customer's churn score in words, strongest first, with the currency's decimals."""
        return churn_reasons(inputs, self._churn_classifier, currency)

    def churn_contributions(self, features: pa.Table) -> tuple[tuple[str, ...], Floats, Floats] | None:
        """SHAP values of the churn classifier: names, contributions to the log-odds, and what they are of.

        One row per customer, one column per feature; None where no classifier was learned.
        """
        classifier, matrix = self._churn_classifier, self.reason_inputs(features).matrix
        if classifier is None or matrix is None:
            return None
        names = (*FEATURE_NAMES[:-1], *self.covariates, FEATURE_NAMES[-1])
        return names, contributions(matrix, classifier), matrix

    @property
    def _churn_classifier(self) -> ChurnModel | None:
        return self.learned_.models.churn.get(self.churn_days) if self.learned_ else None

    def check_fitted(self) -> None:
        """Refuse to predict where there are only facts.

        Raises:
            NotEnoughData: says why.
        """
        self._fitted_base()

    def _fitted_base(self) -> BaselineModels:
        if self.base_ is None:
            raise NotEnoughData(f"there are facts but no predictions: {self.tier_reason_}")
        return self.base_

    def _refund_rates(self, features: pa.Table) -> Floats:
        """Each customer's share of revenue that comes back, shrunk to the shop's by some of its mean purchase days."""
        total, back = columns(features, ("total_cents", "refund_cents")).values()
        prior = max(self.refund_prior_cents_, 1e-9)
        own = np.minimum(back, total)
        return np.asarray((prior * self.refund_rate_ + own) / (prior + total))

    def _date(self, days: Floats) -> pa.Array:
        whole = np.ceil(np.clip(days, 1, 36_500)).astype("timedelta64[D]")
        return pa.array(np.datetime64(self.as_of_day, "D") + whole)

    def to_state(self) -> dict[str, Any]:
        """Everything but the trees, as JSON-able values."""
        learned = self.learned_
        return {
            "as_of_day": self.as_of_day.isoformat(),
            "horizon_days": self.horizon_days,
            "options": self.options.model_dump(mode="json"),
            "interval_mass": self.interval_mass,
            "discount_rate_per_year": self.discount_rate_per_year,
            "seed": self.seed,
            "tier": str(self.tier_),
            "tier_reason": self.tier_reason_,
            "refund_rate": self.refund_rate_,
            "refund_prior_cents": self.refund_prior_cents_,
            "base": self.base_.to_state() if self.base_ else None,
            "learned": learned.to_state() if learned else None,
            "prior": self.prior_.to_state() if self.prior_ else None,
        }

    def to_texts(self) -> dict[str, str]:
        """The trees in LightGBM's text format, by name."""
        trees = self.learned_ or self.prior_
        return trees.to_texts() if trees else {}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], texts: Mapping[str, str]) -> Self:
        """The predictor of :meth:`to_state` and :meth:`to_texts`."""
        settings = ("horizon_days", "interval_mass", "discount_rate_per_year", "seed")
        predictor = cls(dt.date.fromisoformat(state["as_of_day"]), **{name: state[name] for name in settings})
        predictor.options = ModelOptions(**state.get("options", {"churn_days": state.get("churn_days")}))
        predictor.tier_, predictor.tier_reason_ = Tier(state["tier"]), state["tier_reason"]
        predictor.refund_rate_ = state["refund_rate"]
        predictor.refund_prior_cents_ = state["refund_prior_cents"]
        if state["base"] is not None:
            predictor.base_ = BaselineModels.from_state(state["base"])
            predictor.covariates = predictor.base_.covariates.column_names
        if state["learned"] is not None:
            predictor.learned_ = FittedEnsemble.from_state(state["learned"], texts)
        if state["prior"] is not None:
            predictor.prior_ = ShopPrior.from_state(state["prior"], texts)
        return predictor
