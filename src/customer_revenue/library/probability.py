"""Probability models of purchases and spend behind one interface, with cautions about each fit."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa

from customer_revenue.arrays import Floats
from customer_revenue.errors import BundleIncompatible, InvalidParameter
from customer_revenue.library.covariate_rows import CovariateRows
from customer_revenue.library.frame_columns import Numbers, Rows, as_table, customer_index
from customer_revenue.modeling.cautions import Caution, purchase_cautions, spend_cautions
from customer_revenue.modeling.count_distribution import PurchaseModel, expected_newcomer, repeat_distribution
from customer_revenue.modeling.covariate_effects import LikelihoodRatio
from customer_revenue.modeling.gamma_gamma import GammaGamma
from customer_revenue.modeling.pareto_nbd import ParetoNBD
from customer_revenue.modeling.purchase_histories import Histories, column
from customer_revenue.modeling.purchase_models import BetaGeo, ModifiedBetaGeo, ModifiedBetaGeoCNBDk
from customer_revenue.modeling.uncertainty import (
    Estimate,
    bootstrap,
    effect_estimates,
    purchase_estimates,
    spend_estimates,
    unfitted,
)

KINDS: Mapping[str, type[ModifiedBetaGeoCNBDk | ParetoNBD]] = {
    kind.name: kind for kind in (BetaGeo, ModifiedBetaGeo, ModifiedBetaGeoCNBDk, ParetoNBD)
}


class FitWarning(UserWarning):
    """A reason not to trust a fit; ``ProbabilityModel.cautions_`` lists them all, each with a remedy."""


class ProbabilityModel:
    """BG/NBD, MBG/NBD, MBG/CNBD-k or Pareto/NBD for purchases, with Gamma-Gamma for spend.

    Args:
        name: ``bg_nbd``, ``mbg_nbd``, ``mbg_cnbd_k`` or ``pareto_nbd``.
        k: regularity of purchases for ``mbg_cnbd_k``: 1 is irregular, 2 and 3 are increasingly regular.
        penalizer: pulls the purchase parameters towards 0; by default it applies only if the likelihood has no maximum
            without it.
        spend_penalizer: the same for spend.
        covariates: columns known from a customer's first day on, such as their channel or age: numbers, texts, booleans
            or categories, which may be missing. They have effects on the rates of purchase and of leaving.

    After ``fit``, ``parameters_`` is a DataFrame with standard errors and 95 % intervals, ``log_likelihood_`` is that
    of the purchases, and ``cautions_`` lists reasons not to trust the fit. Times are in days and money in cents, or in
    the units of the rows.

    Effects of covariates are parameters too: per unit of the column, or against its most common level. e to the effect
    is the factor of the rate of purchases, and of the rate (``pareto_nbd``) or odds (the others) of leaving. The other
    parameters are those of a customer with mean numbers and the most common levels. ``repr`` tells the likelihood-ratio
    test against the model without covariates.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     features = cdnow.features(as_of="1997-09-30")
    >>> model = cr.ProbabilityModel("bg_nbd").fit(features)
    >>> model.parameters_["value"].round(2).to_dict()
    {'r': 0.24, 'alpha': 30.9, 'a': 0.79, 'b': 2.43, 'p': 6.25, 'q': 3.74, 'v': 1544.35}
    >>> model.cautions_
    []
    """

    def __init__(
        self,
        name: str = "mbg_nbd",
        *,
        k: int = 1,
        penalizer: float | None = None,
        spend_penalizer: float | None = None,
        covariates: Sequence[str] = (),
    ) -> None:
        if name not in KINDS:
            raise InvalidParameter(f"unknown model {name!r}: use one of {', '.join(KINDS)}", list(KINDS))
        if k != 1 and name != ModifiedBetaGeoCNBDk.name:
            raise InvalidParameter(f"k applies only to {ModifiedBetaGeoCNBDk.name}, not to {name}")
        self.name, self.k, self.penalizer, self.spend_penalizer = name, k, penalizer, spend_penalizer
        self._rows = CovariateRows(covariates)
        self.purchases_: PurchaseModel = self._new()
        self.spend_ = GammaGamma(spend_penalizer)
        self.cautions_: list[Caution] = []
        self.parameters_ = _parameter_frame([])
        self._histories: Histories | None = None

    @property
    def covariates(self) -> tuple[str, ...]:
        """The columns that are covariates.

        >>> import customer_revenue as cr
        >>> cr.ProbabilityModel("bg_nbd", covariates=["channel", "age"]).covariates
        ('channel', 'age')
        """
        return self._rows.names

    def __repr__(self) -> str:
        told = f"{self.name}{f', k = {self.k}' if self.k > 1 else ''}"
        if self.covariates:
            told += f", covariates {', '.join(self.covariates)}"
        if len(self.purchases_.effects_):
            penalizer = self.purchases_.penalizer_
            told += f": {f'penalizer {penalizer}, not tested' if penalizer else self.likelihood_ratio_test()}"
        return f"<ProbabilityModel: {told}>"

    def _new(self) -> PurchaseModel:
        if self.name == ParetoNBD.name:
            return ParetoNBD(self.penalizer)
        kind = KINDS[self.name]
        assert issubclass(kind, ModifiedBetaGeoCNBDk)
        return kind(self.k, self.penalizer)

    def fit(self, features: Rows) -> Self:
        """Fit by maximum likelihood to the rows of ``Orders.features``, or to a table of another library.

        Args:
            features: a DataFrame or an Arrow table with ``frequency``, ``recency_days`` and ``T_days``; for spend
                also ``monetary_cents``, the mean total of the ``spend_days``. The names ``recency``, ``T`` and
                ``monetary_value`` of other libraries also work.

        Raises:
            NotEnoughData: no customer has bought on two days.
            InvalidParameter: a history is impossible, or a covariate is missing, the same for all, or follows
                from the others.

        Warns:
            FitWarning: once for each reason not to trust the fit.

        >>> import pandas as pd
        >>> import customer_revenue as cr
        >>> few = pd.DataFrame({"frequency": [1, 0, 2], "recency": [9, 0, 30], "T": [40, 40, 40]})
        >>> import warnings
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     _ = cr.ProbabilityModel("mbg_nbd", penalizer=0.01).fit(few)
        >>> str(caught[0].message)[:35]
        'Only 2 customers have bought again;'
        """
        table = as_table(features)
        self._histories = histories = self._rows.learn(table)
        self.purchases_ = self._new().fit(histories)
        estimates = purchase_estimates(self.purchases_, histories)
        self.cautions_ = list(purchase_cautions(self.purchases_, histories, estimates))
        if self.covariates:
            estimates += effect_estimates(self.purchases_, histories, self._rows.coding.names, self._rows.coding.units)
        self.spend_ = GammaGamma(self.spend_penalizer)
        if _has_spend(table):
            x, m = column(table, "spend_days"), column(table, "monetary_cents")
            self.spend_.fit(x, m)
            self.cautions_ += spend_cautions(self.spend_.problem_, x, m)
            estimates += spend_estimates(self.spend_, x, m)
        self.parameters_ = _parameter_frame(estimates)
        for caution in self.cautions_:
            warnings.warn(str(caution), FitWarning, stacklevel=2)
        return self

    @property
    def log_likelihood_(self) -> float:
        """Log-likelihood of the purchases.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     features = cdnow.features(as_of="1997-09-30")
        >>> names = ("bg_nbd", "mbg_nbd", "pareto_nbd")
        >>> [round(cr.ProbabilityModel(name).fit(features).log_likelihood_) for name in names]
        [-14364, -14363, -14376]
        """
        return self.purchases_.log_likelihood_

    def likelihood_ratio_test(self, covariate: str | None = None) -> LikelihoodRatio:
        """Test whether the covariates, or one of them, say more about purchases and leaving than chance would.

        Args:
            covariate: a column, which is tested against the model without it, by another fit; by default all columns,
                against the plain model.

        Raises:
            InvalidParameter: the model has no covariates, or not this one; it is penalised, which voids the test; or it
                was loaded, so that the customers for another fit are not there.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     features = cdnow.features(as_of="1997-09-30")
        >>> features["even"] = features["customer_id"].astype(int) % 2 == 0
        >>> model = cr.ProbabilityModel("bg_nbd", covariates=["even"]).fit(features)
        >>> print(model.likelihood_ratio_test())
        likelihood ratio 0.6, 2 degrees of freedom, p = 0.75
        """
        test = self.purchases_.likelihood_ratio_test()
        if covariate is None or self.covariates == (covariate,):
            return test
        if self._histories is None:
            raise InvalidParameter("fit the model first: the test fits its customers again, without the covariate")
        without = unfitted(self.purchases_).fit(self._rows.without(self._histories, covariate))
        more = len(self.purchases_.effects_) - len(without.effects_)
        return LikelihoodRatio.of(self.log_likelihood_, without.log_likelihood_, more)

    def bootstrap(self, draws: int = 50, seed: int = 0) -> pd.DataFrame:
        """Purchase parameters refitted to customers resampled with replacement: one row per draw.

        Args:
            draws: number of draws; each is a fit.
            seed: seed of the draws.

        Raises:
            InvalidParameter: the model is not fitted.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     model = cr.ProbabilityModel("bg_nbd").fit(cdnow.features(as_of="1997-09-30"))
        >>> model.bootstrap(draws=5).shape
        (5, 4)
        """
        if self._histories is None:
            raise InvalidParameter("fit the model first: the bootstrap resamples its customers")
        found = bootstrap(self.purchases_, self._histories, draws, seed)
        effects = self.parameters_.index[4 : 4 + len(self.purchases_.effects_)]
        found[:, 4:] /= np.tile(self._rows.coding.units, 2)
        return pd.DataFrame(found, columns=[*self.purchases_.parameters, *effects])

    def predict(self, features: Rows, horizon_days: float = 365) -> pd.DataFrame:
        """All predictions of the models, one row per customer, in the order of the rows.

        Args:
            features: rows as for :meth:`fit`.
            horizon_days: how far ahead to predict.

        Returns:
            ``customer_id``, ``probability_alive``, ``purchase_probability`` (at least one within the horizon),
            ``expected_purchases``; with spend also ``expected_spend_cents`` per purchase day and
            ``expected_revenue_cents``.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     features = cdnow.features(as_of="1997-09-30")
        >>> predictions = cr.ProbabilityModel("bg_nbd").fit(features).predict(features, horizon_days=273)
        >>> round(predictions["expected_purchases"].sum())
        1653
        """
        table = as_table(features)
        histories = self._rows.histories(table)
        purchases = self.purchases_.expected_purchases(horizon_days, histories)
        frame = pd.DataFrame(
            {
                "customer_id": table.column("customer_id").to_pandas(),
                "probability_alive": self.purchases_.probability_alive(histories),
                "purchase_probability": self.purchases_.purchase_probability(horizon_days, histories),
                "expected_purchases": purchases,
            }
        )
        if _has_spend(table) and self.spend_.problem_ != "not fitted":
            spend = self.spend_.expected_spend(column(table, "spend_days"), column(table, "monetary_cents"))
            frame["expected_spend_cents"], frame["expected_revenue_cents"] = spend, spend * purchases
        return frame

    def expected_purchases(self, features: Rows, horizon_days: float) -> Numbers:
        """Expected purchase days within the horizon, by customer.

        >>> import customer_revenue as cr, pandas as pd
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     model = cr.ProbabilityModel("bg_nbd").fit(cdnow.features(as_of="1997-09-30"))
        >>> one = pd.DataFrame({"customer_id": ["A"], "frequency": [2], "recency": [213], "T": [272]})
        >>> model.expected_purchases(one, horizon_days=273).round(2).to_dict()
        {'A': 1.23}
        """
        return self._series(features, lambda h: self.purchases_.expected_purchases(horizon_days, h))

    def purchase_probability(self, features: Rows, horizon_days: float) -> Numbers:
        """Probability of at least one purchase within the horizon, by customer.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     features = cdnow.features(as_of="1997-09-30")
        >>> model = cr.ProbabilityModel("pareto_nbd").fit(features)
        >>> round(float(model.purchase_probability(features, 90).mean()), 2)
        0.14
        """
        return self._series(features, lambda h: self.purchases_.purchase_probability(horizon_days, h))

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
        return self._series(features, self.purchases_.probability_alive)

    def expected_spend(self, features: Rows) -> Numbers:
        """Expected spend per purchase day in cents, by customer.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     features = cdnow.features(as_of="1997-09-30")
        >>> round(float(cr.ProbabilityModel().fit(features).expected_spend(features).mean()), -2)
        3500.0
        """
        table = as_table(features)
        spend = self.spend_.expected_spend(column(table, "spend_days"), column(table, "monetary_cents"))
        return pd.Series(spend, index=customer_index(table))

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
        lengths = np.asarray(days, dtype=np.float64)
        expected = expected_newcomer(self.purchases_, lengths, self._rows.newcomer(covariates))
        return pd.Series(expected, index=pd.Index(lengths, name="days"))

    def repeat_distribution(self, features: Rows, most: int = 7) -> Numbers:
        """Expected number of customers with 0, 1, … repeat purchases; the last entry counts ``most`` or more.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     features = cdnow.features(as_of="1997-09-30")
        >>> cr.ProbabilityModel("bg_nbd").fit(features).repeat_distribution(features, most=3).round().tolist()
        [1408.0, 460.0, 192.0, 297.0]
        """
        table = as_table(features)
        ages = column(table, "T_days")
        totals = repeat_distribution(self.purchases_, ages, most, self._rows.matrix(table)).sum(axis=0)
        return pd.Series(totals, index=pd.RangeIndex(most + 1, name="repeat_purchases"))

    def save(self, path: str | Path) -> Path:
        """Write the model as readable JSON.

        >>> import customer_revenue as cr, tempfile
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     features = cdnow.features(as_of="1997-09-30")
        >>> model = cr.ProbabilityModel("bg_nbd").fit(features)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     again = cr.ProbabilityModel.load(model.save(f"{folder}/model.json"))
        >>> again.predict(features).equals(model.predict(features))
        True
        """
        state = {
            "name": self.name,
            "k": self.k,
            "purchases": self.purchases_.to_state(),
            "spend": self.spend_.to_state(),
            "parameters": self.parameters_.reset_index().to_dict("records"),
            "cautions": [vars(caution) for caution in self.cautions_],
            **self._rows.to_state(),
        }
        path = Path(path)
        draft = path.with_name(f".{path.name}.next")
        draft.write_text(json.dumps(state, indent=1), "utf-8")
        return draft.replace(path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Load a model that :meth:`save` wrote.

        Raises:
            BundleIncompatible: the file is not a saved probability model.

        >>> import customer_revenue as cr, pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "model.json")
        ...     _ = path.write_text("{}")
        ...     try:
        ...         cr.ProbabilityModel.load(path)
        ...     except cr.CustomerRevenueError as error:
        ...         print(error.code)
        bundle_incompatible
        """
        try:
            state = json.loads(Path(path).read_text("utf-8"))
            model = cls(state["name"], k=state["k"])
            model.purchases_ = type(model.purchases_).from_state(state["purchases"])
            model.spend_ = GammaGamma.from_state(state["spend"])
            model.parameters_ = pd.DataFrame(state["parameters"]).set_index("parameter")
            model.cautions_ = [Caution(**caution) for caution in state["cautions"]]
            model._rows = CovariateRows.from_state(state)
        except (KeyError, TypeError, ValueError) as error:
            raise BundleIncompatible(f"{path} is not a saved probability model: {error}") from None
        return model

    def _series(self, features: Rows, of: Callable[[Histories], Floats]) -> Numbers:
        table = as_table(features)
        return pd.Series(of(self._rows.histories(table)), index=customer_index(table))


def _has_spend(table: pa.Table) -> bool:
    return {"spend_days", "monetary_cents"} <= set(table.column_names)


def _parameter_frame(estimates: list[Estimate]) -> pd.DataFrame:
    columns = ("value", "standard_error", "low", "high")
    rows = {e.name: [getattr(e, name) for name in columns] for e in estimates}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(columns)).rename_axis("parameter")
