"""The predictions of the probability models for each customer: the boosters' offsets, and some of their features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import logit

from customer_revenue.arrays import Floats
from customer_revenue.modeling.baseline_guard import LogForecast
from customer_revenue.modeling.covariates import NO_COVARIATES, CovariateColumns
from customer_revenue.modeling.design_matrix import BASELINE_NAMES, MATRIX_NAMES, behaviour_matrix, needed_columns
from customer_revenue.modeling.gamma_gamma import GammaGamma
from customer_revenue.modeling.own_season import OwnSeason, SeasonPosterior
from customer_revenue.modeling.pareto_nbd import ParetoNBD
from customer_revenue.modeling.population import Population
from customer_revenue.modeling.posterior import Posterior, PurchasePosterior
from customer_revenue.modeling.purchase_histories import Histories, column
from customer_revenue.modeling.purchase_models import BetaGeo, ModifiedBetaGeoCNBDk
from customer_revenue.modeling.rhythm_mixture import (
    RhythmMixture,
    RhythmModel,
    fitted_alike,
    posterior_of,
    rhythm_from_state,
)

FEATURE_NAMES = (*MATRIX_NAMES, *BASELINE_NAMES, "churn_log_odds")
"""Columns of a baseline's matrix. The last is the offset of the churn classifiers, at their own horizon."""

REFERENCE_DAYS = 90
"""Horizon of the purchase model's predictions among the features."""

TINY = 1e-9

CUSTOMERS_FOR_PARETO = 10_000
"""Maximum number of customers that Pareto/NBD is fitted to, since its likelihood is costly."""


@dataclass(frozen=True)
class BaselineModels:
    """The probability models, fitted on one day's histories; BG/NBD is the baseline that ours must not lose to."""

    purchases: RhythmModel
    pareto: ParetoNBD | None
    spend: GammaGamma
    beta_geo: BetaGeo | None = None
    season: OwnSeason | None = None
    covariates: CovariateColumns = NO_COVARIATES

    @classmethod
    def fitted(
        cls,
        customers: Population,
        rhythm: RhythmModel,
        *,
        with_pareto: bool = True,
        penalizer: float | None = None,
        covariates: CovariateColumns = NO_COVARIATES,
    ) -> BaselineModels:
        """The models fitted on customers as of a day, without BG/NBD.

        Args:
            customers: as of the day.
            rhythm: a fit to the same shop, whose regularity is taken over.
            with_pareto: whether Pareto/NBD is fitted.
            penalizer: of the parameters.
            covariates: columns that the boosters are given too.
        """
        purchases = fitted_alike(rhythm, customers, penalizer)
        sample = Histories.from_table(customers.sample).sample(CUSTOMERS_FOR_PARETO) if with_pareto else None
        pareto = ParetoNBD(penalizer).fit(sample) if sample else None
        season = OwnSeason.fitted(needed_columns(customers.sample))
        return cls(purchases, pareto, customers.fitted_spend(), season=season, covariates=covariates)

    @property
    def has_own_rhythms(self) -> bool:
        """Whether customers differ in how regularly they buy."""
        return isinstance(self.purchases, RhythmMixture)

    def with_beta_geo(self, histories: Histories) -> BaselineModels:
        """The same with BG/NBD, fitted on histories of the same day."""
        return replace(self, beta_geo=BetaGeo().fit(histories))

    @classmethod
    def of_population(cls, customers: Population) -> BaselineModels:
        """The shop's level with a prior for all else, where there are too few repeat customers for a fit."""
        days, total = column(customers.sample, "positive_days"), column(customers.sample, "total_cents")
        spend = GammaGamma().fit(days, total / np.maximum(days, 1))
        return cls(ModifiedBetaGeoCNBDk().fit_level(customers.histories), None, spend)

    def to_state(self) -> dict[str, Any]:
        """The models as JSON-able values."""
        return {
            "purchases": self.purchases.to_state(),
            "pareto": self.pareto.to_state() if self.pareto else None,
            "spend": self.spend.to_state(),
            "beta_geo": self.beta_geo.to_state() if self.beta_geo else None,
            "season": asdict(self.season) if self.season else None,
            "covariates": self.covariates.to_state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The models of :meth:`to_state`."""
        return cls(
            rhythm_from_state(state["purchases"]),
            ParetoNBD.from_state(state["pareto"]) if state["pareto"] else None,
            GammaGamma.from_state(state["spend"]),
            BetaGeo.from_state(state["beta_geo"]) if state.get("beta_geo") else None,
            OwnSeason.from_state(state["season"]) if state.get("season") else None,
            CovariateColumns.from_state(state.get("covariates", ())),
        )


@dataclass(frozen=True)
class BaselinePrediction:
    """The columns of a table of features by name, and the predictions of the probability models from them.

    ``covariates`` are the columns of ``models.covariates``, coded for trees.
    """

    models: BaselineModels
    columns: Mapping[str, Floats]
    covariates: Floats

    @classmethod
    def of(cls, features: pa.Table, models: BaselineModels) -> BaselinePrediction:
        """The baseline of a table of features.

        Raises:
            TypeError: a column is missing.
            InvalidParameter: a covariate is.
        """
        return cls(models, needed_columns(features), models.covariates.codes(features))

    def __len__(self) -> int:
        return len(self.columns["frequency"])

    def take(self, rows: npt.NDArray[np.bool_]) -> BaselinePrediction:
        """Some of the customers."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return BaselinePrediction(self.models, columns, self.covariates[rows])

    @cached_property
    def rhythm(self) -> PurchasePosterior:
        """Posterior of the regularity model, which the ensemble corrects."""
        return posterior_of(self.models.purchases, Histories.from_columns(self.columns))

    @cached_property
    def own_season(self) -> SeasonPosterior | None:
        """The same with the season of those who have one of their own; None where nobody has."""
        season = self.models.season
        return season.posterior(self.rhythm, self.columns) if season else None

    @property
    def purchases(self) -> PurchasePosterior:
        """Posterior of the regularity model, and of the season of those who have one."""
        return self.own_season or self.rhythm

    def with_own_season(self, log_purchases: Floats, horizon_days: float) -> Floats:
        """Logarithm of expected purchases, of which those given are the ones of customers without a season."""
        return self.own_season.with_purchases(log_purchases, horizon_days) if self.own_season else log_purchases

    def churn_with_own_season(self, log_odds: Floats, horizon_days: float) -> Floats:
        """Log-odds of no purchase, of which those given are the ones of customers without a season."""
        return self.own_season.with_churn(log_odds, horizon_days) if self.own_season else log_odds

    @cached_property
    def base_columns(self) -> list[Floats]:
        """The columns of :data:`BASELINE_NAMES`."""
        return [
            np.log(np.maximum(self.rhythm.expected_purchases(REFERENCE_DAYS), TINY)),
            log_odds(self.rhythm.purchase_probability(REFERENCE_DAYS)),
            log_odds(self.rhythm.probability_alive),
        ]

    @cached_property
    def matrix(self) -> Floats:
        """The columns of :data:`FEATURE_NAMES` but the last, then the covariates."""
        behaviour = behaviour_matrix(self.columns, self.models.spend.mean_cents_)
        return np.column_stack([behaviour, *self.base_columns, *self.covariates.T])

    @property
    def categories(self) -> tuple[int, ...]:
        """The places of the columns of the matrix that are codes of categories."""
        return tuple(len(FEATURE_NAMES) - 1 + place for place in self.models.covariates.categorical)

    @cached_property
    def spend_cents(self) -> Floats:
        """The expected spend of a purchase day."""
        return self.models.spend.expected_spend(self.columns["spend_days"], self.columns["monetary_cents"])

    def log_pareto(self, horizon_days: float) -> Floats:
        """Logarithm of Pareto/NBD's expected purchases; of the regularity model's where that was left out."""
        if self.models.pareto is None:
            return self.log_purchases(horizon_days)
        while_alive = self.models.pareto.expected_while_alive(horizon_days, self.rhythm.histories)
        return np.log(np.maximum(self._pareto_alive * while_alive, TINY))

    @cached_property
    def _pareto_alive(self) -> Floats:
        assert self.models.pareto is not None, "needs Pareto/NBD"
        return self.models.pareto.probability_alive(self.rhythm.histories)

    def log_purchases(self, horizon_days: float) -> Floats:
        """Logarithm of the regularity model's expected purchases."""
        return np.log(np.maximum(self.rhythm.expected_purchases(horizon_days), TINY))

    def of_beta_geo(self, horizon_days: float) -> LogForecast:
        """The forecast of BG/NBD with Gamma-Gamma, which must have been fitted."""
        return LogForecast(
            self.beta_geo_log_purchases(horizon_days),
            self.beta_geo_churn_log_odds(horizon_days),
            np.log(np.maximum(self.spend_cents, 1.0)),
        )

    def beta_geo_log_purchases(self, horizon_days: float) -> Floats:
        """Logarithm of the expected purchases of BG/NBD, which must have been fitted."""
        return np.log(np.maximum(self._beta_geo.expected_purchases(horizon_days), TINY))

    def beta_geo_churn_log_odds(self, horizon_days: float) -> Floats:
        """Log-odds of BG/NBD's chance of no purchase."""
        return -log_odds(self._beta_geo.purchase_probability(horizon_days))

    @cached_property
    def _beta_geo(self) -> Posterior:
        assert self.models.beta_geo is not None, "needs BG/NBD"
        return Posterior(self.models.beta_geo, self.rhythm.histories)

    def churn_log_odds(self, horizon_days: float) -> Floats:
        """Log-odds of the regularity model's chance of no purchase."""
        if horizon_days == REFERENCE_DAYS:
            return -self.base_columns[1]
        return -log_odds(self.rhythm.purchase_probability(horizon_days))

    def churn_matrix(self, horizon_days: float, level: float = 0.0) -> Floats:
        """The matrix with the offset of the churn classifier at this horizon, moved by a level."""
        return np.column_stack([self.matrix, self.churn_log_odds(horizon_days) + level])


def log_odds(p: Floats) -> Floats:
    """Log-odds, finite for 0 and 1."""
    return np.asarray(logit(np.clip(p, 1e-6, 1 - 1e-6)))
