"""Earlier windows as training data: the baselines of the models fitted at each cut-off, and what happened after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue.arrays import Floats
from customer_revenue.modeling.baselines import BaselineModels, BaselinePrediction
from customer_revenue.modeling.covariates import NO_COVARIATES, CovariateColumns
from customer_revenue.modeling.levels import Level
from customer_revenue.modeling.metrics import Outcomes
from customer_revenue.modeling.population import Population
from customer_revenue.modeling.purchase_histories import column
from customer_revenue.modeling.rhythm_mixture import RhythmModel
from customer_revenue.modeling.rolling_windows import Window, whole_years
from customer_revenue.settings import ModelOptions


@dataclass(frozen=True)
class TrainingWindow:
    """A window with the predictions of probability models that were fitted at its cut-off.

    ``lag_days`` is how long before the as-of day the cut-off lies. The levels are logarithms of purchases, and
    of spend per purchase, relative to the models; they are 0 where nothing happened. Where some customers have a
    season of their own, ``others`` is each customer's probability of being without, and the levels are theirs.
    """

    baseline: BaselinePrediction
    lag_days: int
    horizon_days: int
    customers: npt.NDArray[np.object_]
    outcomes: dict[str, Floats]
    others: Floats | None = None

    @classmethod
    def of(
        cls,
        window: Window,
        lag_days: int,
        rhythm: RhythmModel,
        *,
        latest: bool,
        options: ModelOptions,
        covariates: CovariateColumns = NO_COVARIATES,
    ) -> TrainingWindow:
        """A window under models that are fitted at its cut-off.

        Pareto/NBD and BG/NBD, which only the back-test on the latest window asks for, are fitted for that one alone.
        """
        customers = Population.of(window.features)
        models = BaselineModels.fitted(
            customers,
            rhythm,
            with_pareto=options.pareto and latest,
            penalizer=options.penalizer,
            covariates=covariates,
        )
        if latest:
            models = models.with_beta_geo(customers.histories)
        return cls.under(models, window, lag_days)

    @classmethod
    def under(cls, models: BaselineModels, window: Window, lag_days: int) -> TrainingWindow:
        """A window under given models, its labels put in the order of its features."""
        ids, labels = window.features.column("customer_id"), window.labels_in_order
        outcomes = {name: column(labels, name) for name in labels.column_names if name != "customer_id"}
        baseline = BaselinePrediction.of(window.features, models)
        return cls(baseline, lag_days, window.horizon_days, np.asarray(ids.to_pylist(), dtype=object), outcomes)

    def take(self, rows: npt.NDArray[np.bool_]) -> TrainingWindow:
        """Some of the customers."""
        outcomes = {name: values[rows] for name, values in self.outcomes.items()}
        return TrainingWindow(
            self.baseline.take(rows),
            self.lag_days,
            self.horizon_days,
            self.customers[rows],
            outcomes,
            None if self.others is None else self.others[rows],
        )

    def of_others(self, known: BaselinePrediction, customers: pa.ChunkedArray) -> TrainingWindow:
        """The same with levels of those who have no season of their own, by what is known of customers on a day.

        Args:
            known: features of customers on the day, under the models of that day.
            customers: their ids. Who is not among them has a season with the probability of the shop's share.
        """
        season = known.models.season
        if season is None:
            return replace(self, others=None)
        place = pc.index_in(pa.array(self.customers, pa.string()), value_set=customers.combine_chunks())
        others = np.append(1 - season.membership(known.columns), 1 - season.share)
        return replace(self, others=others[place.fill_null(-1).to_numpy()])

    @property
    def purchases(self) -> Floats:
        """Purchase days within the window's horizon."""
        return self.outcomes[f"purchases_{self.horizon_days}"]

    @property
    def revenue(self) -> Floats:
        """Gross revenue within the window's horizon, in cents."""
        return self.outcomes[f"revenue_cents_{self.horizon_days}"]

    @property
    def next_days(self) -> Floats:
        """Days to the next purchase within the horizon, NaN for none."""
        days = self.outcomes["days_to_next_purchase"]
        return np.where(days <= self.horizon_days, days, np.nan)

    @property
    def happened(self) -> Outcomes:
        """What the customers did within the horizon."""
        return Outcomes(self.purchases, self.revenue, self.next_days)

    def purchase_level(self) -> Level:
        """Level of the purchases over the regularity model's expectation."""
        return Level.of_totals(self.purchases, np.exp(self.baseline.log_purchases(self.horizon_days)), self.others)

    def spend_level(self) -> Level:
        """Level of the revenue over that of the same purchases at the expected spend."""
        purchases = np.exp(self.baseline.log_purchases(self.horizon_days))
        revenue = Level.of_totals(self.revenue, purchases * self.baseline.spend_cents, self.others)
        of_purchases = Level.of_totals(self.revenue, self.purchases * self.baseline.spend_cents, self.others)
        return Level(revenue.value - self.purchase_level().value, of_purchases.variance)

    def churn_level(self, horizon_days: int) -> Level:
        """Level of the log-odds of no purchase."""
        return Level.of_log_odds(
            self.baseline.churn_log_odds(horizon_days), self.outcomes[f"purchases_{horizon_days}"] == 0, self.others
        )

    @property
    def history_days(self) -> float:
        """Days from the first order of the shop to the cut-off."""
        return float(np.max(self.baseline.columns["T_days"]))

    def same_season(self) -> bool:
        """Whether the window lies whole years before the as-of day."""
        return whole_years(self.lag_days)


def stack(parts: Sequence[Floats]) -> Floats:
    """Arrays of several windows, one after the other."""
    return np.concatenate(list(parts))


def stack_others(windows: Sequence[TrainingWindow]) -> Floats:
    """The probabilities of being without a season of several windows, one after the other."""
    return stack([window.others for window in windows if window.others is not None])
