"""What a fitted probability model predicts: for customers, for new ones, and how sure it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from customer_revenue.arrays import Floats
from customer_revenue.errors import InvalidParameter, NotFitted
from customer_revenue.library.fitted_probability import FittedProbability
from customer_revenue.library.forecast_uncertainty import uncertain
from customer_revenue.library.frame_columns import Numbers, Rows, SameRows, customer_index, same_kind
from customer_revenue.library.pymc_bridge import PymcMarketing, as_pymc_marketing
from customer_revenue.library.row_checks import SPEND_COLUMNS, checked_horizon, checked_horizons, checked_rows
from customer_revenue.modeling.count_distribution import expected_newcomer, repeat_distribution
from customer_revenue.modeling.priors import Priors
from customer_revenue.modeling.purchase_histories import Histories, column

DAYS_PER_UNIT = {"day": 1.0, "week": 7.0, "month": 365.25 / 12}
"""Days of each unit of time that rows may be in."""

DAYS_PER_YEAR = 365.25
DISCOUNT_STEPS = 24
"""Steps of the horizon, the revenue of each of which is discounted from its middle."""


class ProbabilityPredictions:
    """The predictions of :class:`~customer_revenue.library.probability.ProbabilityModel`, once it is fitted."""

    name: str
    priors: Priors | None
    time_unit: str
    _fit: FittedProbability | None

    @property
    def _fitted(self) -> FittedProbability:
        if self._fit is None:
            raise NotFitted(f"this {type(self).__name__} is not fitted: call fit with the rows of customers first")
        return self._fit

    def predict(
        self,
        features: SameRows,
        horizon_days: float = 365,
        *,
        uncertainty: str | None = None,
        interval_mass: float = 0.8,
    ) -> SameRows:
        """All predictions of the models, one row per customer, in the order of the rows.

        Args:
            features: rows as for :meth:`fit`, in a frame of any library.
            horizon_days: how far ahead to predict.
            uncertainty: ``"parameters"`` adds the interval of what is expected, over the parameters that the data
                allow; ``"outcome"`` adds quantiles of what will happen, by 1,000 draws with a fixed seed.
            interval_mass: probability between the lower and the upper quantile.

        Returns:
            A frame of the same library: ``customer_id``, ``probability_alive``, ``purchase_probability`` (at least one
            within the horizon), ``expected_purchases``; with spend also ``expected_spend_cents`` per purchase day and
            ``expected_revenue_cents``. With uncertainty ``…_low`` and ``…_high`` of both, or ``purchases_low``,
            ``purchases_median``, ``purchases_high`` and the same of ``revenue_…_cents``.

        Raises:
            NotFitted: the model is not fitted.
            InvalidParameter: rows or a horizon that cannot be, or parameters that the data do not determine.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     features = cdnow.features(as_of="1997-09-30")
        >>> model = cr.ProbabilityModel("bg_nbd").fit(features)
        >>> round(model.predict(features, horizon_days=273)["expected_purchases"].sum())
        1653
        >>> best = features.nlargest(1, "frequency")
        >>> sure = model.predict(best, 90, uncertainty="outcome")
        >>> sure[["purchases_low", "purchases_median", "purchases_high"]].to_numpy().tolist()
        [[3.0, 8.0, 13.0]]
        """
        fitted, table, horizon = self._fitted, checked_rows(features), checked_horizon(horizon_days)
        histories, purchases_of = fitted.rows.histories(table), fitted.purchases
        purchases = purchases_of.expected_purchases(horizon, histories)
        found: dict[str, object] = {
            "customer_id": table.column("customer_id").to_pandas(),
            "probability_alive": purchases_of.probability_alive(histories),
            "purchase_probability": purchases_of.purchase_probability(horizon, histories),
            "expected_purchases": purchases,
        }
        spends = _spends(fitted, table) if fitted.has_spend and set(SPEND_COLUMNS) <= set(table.column_names) else None
        if spends is not None:
            spend = fitted.spend.expected_spend(*spends)
            found |= {"expected_spend_cents": spend, "expected_revenue_cents": spend * purchases}
        if uncertainty is not None:
            found |= uncertain(fitted, histories, spends, horizon, uncertainty, interval_mass)
        return same_kind(features, pd.DataFrame(found))

    def for_pymc_marketing(self, features: Rows) -> PymcMarketing:
        """Data, priors and fitted values for ``pymc_marketing.clv``, to go on by MCMC; nothing of it is imported here.

        Args:
            features: the rows that the model was fitted to.

        Raises:
            NotFitted: the model is not fitted.
            InvalidParameter: pymc-marketing has no such model, or the model has covariates.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     features = cdnow.features(as_of="1997-09-30")
        >>> handed = cr.ProbabilityModel("bg_nbd", priors={"r": (0.5, 0.5)}).fit(features).for_pymc_marketing(features)
        >>> handed.model_class, list(handed.data)
        ('BetaGeoModel', ['customer_id', 'frequency', 'recency', 'T', 'monetary_value'])
        >>> handed.model_config["r"]["dist"], handed.model_config["r"]["kwargs"]["sigma"]
        ('LogNormal', 0.5)
        """
        return as_pymc_marketing(self.name, self._fitted, checked_rows(features), self.priors or {})

    def lifetime_value(self, features: Rows, horizon_days: float = 365, discount_rate_per_year: float = 0.1) -> Numbers:
        """Present value in cents of the revenue that is expected within the horizon, by customer; past revenue is none.

        The revenue of each 24th of the horizon is discounted from its middle. Times of the rows in weeks or months need
        ``time_unit`` of the model.

        Args:
            features: rows with spend, as for :meth:`fit`.
            horizon_days: how far ahead, in the unit of the rows.
            discount_rate_per_year: such as 0.1 for 10 % a year.

        Raises:
            NotFitted: the model, or its spend, is not fitted.
            InvalidParameter: rows, a horizon or a rate that cannot be.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     features = cdnow.features(as_of="1997-09-30")
        >>> model = cr.ProbabilityModel("bg_nbd").fit(features)
        >>> values = [model.lifetime_value(features, 365, rate).mean() for rate in (0.0, 0.1)]
        >>> [round(float(value)) for value in values]
        [3219, 3083]
        """
        fitted, table, horizon = self._fitted, checked_rows(features), checked_horizon(horizon_days)
        if not discount_rate_per_year > -1:
            raise InvalidParameter(f"discount_rate_per_year must be above -1, not {discount_rate_per_year}")
        histories = fitted.rows.histories(table)
        ends = np.linspace(0, horizon, DISCOUNT_STEPS + 1)
        path = np.array([fitted.purchases.expected_purchases(float(end), histories) for end in ends[1:]])
        years = (ends[1:] + ends[:-1]) / 2 * DAYS_PER_UNIT[self.time_unit] / DAYS_PER_YEAR
        purchases = (1 + discount_rate_per_year) ** -years @ np.diff(path, axis=0, prepend=0.0)
        return pd.Series(purchases * fitted.spend.expected_spend(*_spends(fitted, table)), customer_index(table))

    def expected_purchases(self, features: Rows, horizon_days: float) -> Numbers:
        """Expected purchase days within the horizon, by customer.

        >>> import customer_revenue as cr, pandas as pd
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     model = cr.ProbabilityModel("bg_nbd").fit(cdnow.features(as_of="1997-09-30"))
        >>> one = pd.DataFrame({"customer_id": ["A"], "frequency": [2], "recency": [213], "T": [272]})
        >>> model.expected_purchases(one, horizon_days=273).round(2).to_dict()
        {'A': 1.23}
        """
        horizon = checked_horizon(horizon_days)
        return self._series(features, lambda h: self._fitted.purchases.expected_purchases(horizon, h))

    def purchase_probability(self, features: Rows, horizon_days: float) -> Numbers:
        """Probability of at least one purchase within the horizon, by customer.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     features = cdnow.features(as_of="1997-09-30")
        >>> model = cr.ProbabilityModel("pareto_nbd").fit(features)
        >>> round(float(model.purchase_probability(features, 90).mean()), 2)
        0.14
        """
        horizon = checked_horizon(horizon_days)
        return self._series(features, lambda h: self._fitted.purchases.purchase_probability(horizon, h))

    def probability_alive(self, features: Rows) -> Numbers:
        """Probability that the customer has not left for good, by customer.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     features = cdnow.features(as_of="1997-09-30")
        >>> once = features[features["frequency"] == 0]
        >>> models = [cr.ProbabilityModel(name).fit(features) for name in ("bg_nbd", "mbg_nbd")]
        >>> [round(float(model.probability_alive(once).max()), 2) for model in models]
        [1.0, 0.43]
        """
        return self._series(features, self._fitted.purchases.probability_alive)

    def expected_spend(self, features: Rows) -> Numbers:
        """Expected spend per purchase day in cents, by customer.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     features = cdnow.features(as_of="1997-09-30")
        >>> round(float(cr.ProbabilityModel().fit(features).expected_spend(features).mean()), -2)
        3500.0
        """
        fitted, table = self._fitted, checked_rows(features)
        return pd.Series(fitted.spend.expected_spend(*_spends(fitted, table)), index=customer_index(table))

    def new_customer(self, days: Floats | list[float], covariates: Mapping[str, object] | None = None) -> Numbers:
        """Expected repeat purchases of a new customer within each number of days after their first purchase.

        Args:
            days: each number of days.
            covariates: the customer's values, by column; by default the mean over the customers of the fit, of whom
                500 are taken if their covariates differ that much.

        Raises:
            InvalidParameter: a covariate has no value.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     model = cr.ProbabilityModel("bg_nbd").fit(cdnow.features(as_of="1997-09-30"))
        >>> model.new_customer([0, 30, 365]).round(2).tolist()
        [0.0, 0.21, 1.45]
        """
        fitted, lengths = self._fitted, checked_horizons(days)
        expected = expected_newcomer(fitted.purchases, lengths, fitted.rows.newcomer(covariates))
        return pd.Series(expected, index=pd.Index(lengths, name="days"))

    def repeat_distribution(self, features: Rows, most: int = 7) -> Numbers:
        """Expected number of customers with 0, 1, … repeat purchases; the last entry counts ``most`` or more.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     features = cdnow.features(as_of="1997-09-30")
        >>> cr.ProbabilityModel("bg_nbd").fit(features).repeat_distribution(features, most=3).round().tolist()
        [1408.0, 460.0, 192.0, 297.0]
        """
        fitted, table = self._fitted, checked_rows(features)
        ages, covariates = column(table, "T_days"), fitted.rows.matrix(table)
        totals = repeat_distribution(fitted.purchases, ages, most, covariates).sum(axis=0)
        return pd.Series(totals, index=pd.RangeIndex(most + 1, name="repeat_purchases"))

    def _series(self, features: Rows, of: Callable[[Histories], Floats]) -> Numbers:
        fitted, table = self._fitted, checked_rows(features)
        return pd.Series(of(fitted.rows.histories(table)), index=customer_index(table))


def _spends(fitted: FittedProbability, table: pa.Table) -> tuple[Floats, Floats]:
    if not fitted.has_spend:
        raise NotFitted("spend is not fitted: fit the model to rows with monetary_cents first")
    if missing := [name for name in SPEND_COLUMNS if name not in table.column_names]:
        raise InvalidParameter(f"the rows have no column {missing[-1]}: what each customer spends needs it")
    days, spend = (column(table, name) for name in SPEND_COLUMNS)
    return days, spend
