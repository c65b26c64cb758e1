"""Probability models of purchases and spend behind one interface, with cautions about each fit."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from customer_revenue.errors import BundleIncompatible, InvalidParameter, NotEnoughData
from customer_revenue.library.covariate_rows import CovariateRows
from customer_revenue.library.estimator import Estimator
from customer_revenue.library.fitted_probability import KINDS, FittedProbability, parameter_frame
from customer_revenue.library.frame_columns import Rows
from customer_revenue.library.html import as_html
from customer_revenue.library.probability_predictions import DAYS_PER_UNIT, ProbabilityPredictions
from customer_revenue.library.row_checks import SPEND_COLUMNS, checked_rows
from customer_revenue.modeling.cautions import Caution, purchase_cautions, spend_cautions
from customer_revenue.modeling.count_distribution import PurchaseModel
from customer_revenue.modeling.covariate_effects import LikelihoodRatio
from customer_revenue.modeling.gamma_gamma import GammaGamma
from customer_revenue.modeling.pareto_nbd import ParetoNBD
from customer_revenue.modeling.priors import Priors
from customer_revenue.modeling.purchase_histories import column
from customer_revenue.modeling.purchase_models import ModifiedBetaGeoCNBDk
from customer_revenue.modeling.uncertainty import (
    bootstrap,
    effect_estimates,
    purchase_covariance,
    purchase_estimates,
    spend_covariance,
    spend_estimates,
    unfitted,
)


class FitWarning(UserWarning):
    """A reason not to trust a fit; ``ProbabilityModel.cautions_`` lists them all, each with a remedy."""


class ProbabilityModel(ProbabilityPredictions, Estimator):
    """BG/NBD, MBG/NBD, MBG/CNBD-k or Pareto/NBD for purchases, with Gamma-Gamma for spend.

    Args:
        name: ``bg_nbd``, ``mbg_nbd``, ``mbg_cnbd_k`` or ``pareto_nbd``.
        k: regularity of purchases for ``mbg_cnbd_k``: 1 is irregular, 2 and 3 are increasingly regular.
        penalizer: pulls the purchase parameters towards 0; by default it applies only if the likelihood has no maximum
            without it.
        spend_penalizer: the same for spend.
        covariates: columns known from a customer's first day on, such as their channel or age: numbers, texts, booleans
            or categories, which may be missing. They have effects on the rates of purchase and of leaving.
        priors: by parameter (those of ``parameters_`` but effects), its median and its spread: its logarithm is normal
            with the spread as standard deviation. The fit is then the maximum a posteriori of the logarithms, and
            standard errors are those of the posterior by Laplace's approximation. Not together with a penalizer.
        time_unit: ``day``, ``week`` or ``month``: the unit of the times of the rows, and so of every horizon. Only
            :meth:`lifetime_value` asks for it, since interest is by the year.

    After ``fit``, ``parameters_`` is a DataFrame with standard errors and 95 % intervals, ``log_likelihood_`` is that
    of the purchases, and ``cautions_`` lists reasons not to trust the fit. Times are in days and money in cents, or in
    the units of the rows. It is an estimator of scikit-learn: ``clone``, ``set_params`` and ``Pipeline`` take it.

    Effects of covariates are parameters too: per unit of the column, or against its most common level. e to the effect
    is the factor of the rate of purchases, and of the rate (``pareto_nbd``) or odds (the others) of leaving. The other
    parameters are those of a customer with mean numbers and the most common levels. ``repr`` gives the likelihood-ratio
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
        priors: Priors | None = None,
        time_unit: str = "day",
    ) -> None:
        self.name: str = name
        self.k: int = k
        self.penalizer: float | None = penalizer
        self.spend_penalizer: float | None = spend_penalizer
        self.covariates: Sequence[str] = covariates
        self.priors: Priors | None = priors
        self.time_unit: str = time_unit
        self._fit: FittedProbability | None = None
        self._check_parameters()

    def _check_parameters(self) -> None:
        """Called where they are given, and before a fit, since ``set_params`` changes them."""
        if self.name not in KINDS:
            raise InvalidParameter(f"unknown model {self.name!r}: use one of {', '.join(KINDS)}", list(KINDS))
        if not isinstance(self.k, int) or self.k < 1:
            raise InvalidParameter(f"k must be a whole number, 1 or more, not {self.k!r}")
        if self.k != 1 and self.name != ModifiedBetaGeoCNBDk.name:
            raise InvalidParameter(f"k applies only to {ModifiedBetaGeoCNBDk.name}, not to {self.name}")
        for parameter in ("penalizer", "spend_penalizer"):
            value = getattr(self, parameter)
            if value is not None and not 0 <= value < np.inf:
                raise InvalidParameter(f"{parameter} must be 0 or more, or None to choose it, not {value!r}")
        if self.time_unit not in DAYS_PER_UNIT:
            names = list(DAYS_PER_UNIT)
            raise InvalidParameter(f"time_unit is one of {', '.join(names)}, not {str(self.time_unit)[:40]!r}", names)
        CovariateRows(self.covariates)
        self._check_priors()

    def _check_priors(self) -> None:
        if not self.priors:
            return
        names = [*KINDS[self.name].parameters, *GammaGamma.parameters]
        for name, given in self.priors.items():
            if name not in names:
                raise InvalidParameter(f"priors: {name!r} is no parameter of {self.name}: {', '.join(names)}", names)
            if len(given) != 2 or not all(0 < float(value) < np.inf for value in given):
                raise InvalidParameter(f"priors: {name} needs a median and a spread above 0, not {given!r}")
        for parameters, penalizer in (
            (KINDS[self.name].parameters, self.penalizer),
            (GammaGamma.parameters, self.spend_penalizer),
        ):
            if penalizer and set(self.priors) & set(parameters):
                raise InvalidParameter("priors and a penalizer of the same parameters exclude each other: give one")

    def __repr__(self) -> str:
        text = f"{self.name}{f', k = {self.k}' if self.k > 1 else ''}"
        if self._fit is None:
            return f"<ProbabilityModel: {text}, not fitted>"
        if names := self._fit.rows.names:
            penalizer, priors = self.purchases_.penalizer_, self.purchases_.priors
            held = f"penalizer {penalizer}" if penalizer else "priors" if priors else ""
            test = f"{held}, not tested" if held else self.likelihood_ratio_test()
            text += f", covariates {', '.join(names)}: {test}"
        return f"<ProbabilityModel: {text}>"

    def _html_repr(self) -> str:
        if self._fit is None:
            return as_html(repr(self), {})
        return as_html(repr(self), {"Parameters": self.parameters_}, [str(caution) for caution in self.cautions_])

    def __sklearn_is_fitted__(self) -> bool:
        return self._fit is not None

    def _new(self) -> PurchaseModel:
        kind = KINDS[self.name]
        model: PurchaseModel = (
            kind(self.k, self.penalizer) if issubclass(kind, ModifiedBetaGeoCNBDk) else ParetoNBD(self.penalizer)
        )
        model.priors = self._priors_of(kind.parameters)
        return model

    def _priors_of(self, parameters: Sequence[str]) -> Priors:
        given = self.priors or {}
        return {name: given[name] for name in parameters if name in given}

    def fit(self, features: Rows, y: object = None) -> Self:  # noqa: ARG002  # scikit-learn's pipelines pass it
        """Fit by maximum likelihood, or a posteriori with priors, to rows of ``Orders.features`` or of another library.

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
        self._check_parameters()
        table, rows = checked_rows(features), CovariateRows(self.covariates)
        if not table.num_rows:
            raise NotEnoughData("there are no customers to fit to: the rows are empty")
        histories = rows.learn(table)
        purchases = self._new().fit(histories)
        covariance = purchase_covariance(purchases, histories)
        estimates = purchase_estimates(purchases, covariance)
        cautions = list(purchase_cautions(purchases, histories, estimates))
        if rows.names:
            estimates += effect_estimates(purchases, covariance, rows.coding.names, rows.coding.units)
        spend, spend_covariance_ = GammaGamma(self.spend_penalizer), None
        spend.priors = self._priors_of(spend.parameters)
        if set(SPEND_COLUMNS) <= set(table.column_names):
            x, m = (column(table, name) for name in SPEND_COLUMNS)
            spend.fit(x, m)
            cautions += spend_cautions(spend.problem_, x, m)
            if spend.p_ is not None:
                spend_covariance_ = spend_covariance(spend, x, m)
                estimates += spend_estimates(spend, spend_covariance_)
        self._fit = FittedProbability(
            purchases, covariance, spend, spend_covariance_, parameter_frame(estimates), cautions, rows, histories
        )
        for caution in cautions:
            warnings.warn(str(caution), FitWarning, stacklevel=2)
        return self

    @property
    def purchases_(self) -> PurchaseModel:
        """The fitted model of purchases.

        >>> import customer_revenue as cr
        >>> try:
        ...     cr.ProbabilityModel("bg_nbd").purchases_
        ... except cr.CustomerRevenueError as error:
        ...     print(error)
        this ProbabilityModel is not fitted: call fit with the rows of customers first
        """
        return self._fitted.purchases

    @property
    def spend_(self) -> GammaGamma:
        """The fitted Gamma-Gamma model of spend.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     model = cr.ProbabilityModel("bg_nbd").fit(cdnow.features(as_of="1997-09-30"))
        >>> round(model.spend_.mean_cents_, -2)
        3900.0
        """
        return self._fitted.spend

    @property
    def parameters_(self) -> pd.DataFrame:
        """The parameters with standard errors and 95 % intervals, one row each.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     model = cr.ProbabilityModel("bg_nbd").fit(cdnow.features(as_of="1997-09-30"))
        >>> list(model.parameters_.columns)
        ['value', 'standard_error', 'low', 'high']
        """
        return self._fitted.parameters

    @property
    def cautions_(self) -> list[Caution]:
        """The reasons not to trust the fit, each with its remedy.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     cr.ProbabilityModel("bg_nbd").fit(cdnow.features(as_of="1997-09-30")).cautions_
        []
        """
        return self._fitted.cautions

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
        fitted = self._fitted
        test = fitted.purchases.likelihood_ratio_test()
        if covariate is None or fitted.rows.names == (covariate,):
            return test
        if fitted.histories is None:
            raise InvalidParameter("fit the model first: the test fits its customers again, without the covariate")
        without = unfitted(fitted.purchases).fit(fitted.rows.without(fitted.histories, covariate))
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
        fitted = self._fitted
        if fitted.histories is None:
            raise InvalidParameter("fit the model again first: the bootstrap resamples the customers of the fit")
        found = bootstrap(fitted.purchases, fitted.histories, draws, seed)
        effects = self.parameters_.index[4 : 4 + len(fitted.purchases.effects_)]
        found[:, 4:] /= np.tile(fitted.rows.coding.units, 2)
        return pd.DataFrame(found, columns=[*self.purchases_.parameters, *effects])

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
            "settings": {
                **self.get_params(),
                "covariates": list(CovariateRows(self.covariates).names),
                "priors": {name: list(given) for name, given in self.priors.items()} if self.priors else None,
            },
            **self._fitted.to_state(),
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
            model = cls(**state["settings"])
            model.covariates = model.covariates or ()  # JSON knows lists alone
            model.priors = {name: (pair[0], pair[1]) for name, pair in model.priors.items()} if model.priors else None
            model._fit = FittedProbability.from_state(model.name, state)
            model._fit.purchases.priors = model._priors_of(KINDS[model.name].parameters)
            model._fit.spend.priors = model._priors_of(GammaGamma.parameters)
        except (KeyError, TypeError, ValueError) as error:
            raise BundleIncompatible(f"{path} is not a saved probability model: {error}") from None
        return model
