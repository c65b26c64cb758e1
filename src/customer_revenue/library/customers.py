"""The full predictor: probability models, learned corrections, and one curve per customer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self, cast, overload

import pandas as pd
import pyarrow as pa

from customer_revenue.choices import ForecastUnit
from customer_revenue.errors import InvalidParameter, NotFitted
from customer_revenue.library.covariate_rows import CovariateRows, with_columns
from customer_revenue.library.estimator import Estimator
from customer_revenue.library.frame_columns import (
    DayLike,
    Lines,
    Numbers,
    Rows,
    SameRows,
    as_day,
    as_frame,
    as_table,
    by_customer,
    customer_index,
    same_kind,
)
from customer_revenue.library.html import as_html
from customer_revenue.library.loading import load_orders
from customer_revenue.library.order_frames import Frame
from customer_revenue.library.orders import Orders
from customer_revenue.library.row_checks import checked_horizon, checked_horizons
from customer_revenue.modeling import bundle
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.policy import load_policy
from customer_revenue.settings import ModelOptions
from customer_revenue.workflows.customer_base.forecasting import MONTHS_AHEAD, forecast_body, shop_forecast
from customer_revenue.workflows.customer_base.profits import margin_rate
from customer_revenue.workflows.feature_rows import population, training_windows


class CustomerModel(Estimator):
    """Predicts what each customer will do: purchases, revenue, lifetime value, next purchase, churn risk.

    This is the model that ``customer-revenue train`` makes and the service uses: the probability models, LightGBM
    corrections learned from earlier windows where there are enough customers, and one curve per customer.

    Args:
        horizon_days: how far ahead to predict; also the horizon of the lifetime value.
        interval_mass: probability between the ends of an interval, which leave out half of the rest on each side.
        discount_rate_per_year: discount rate of future revenue.
        seed: seed of everything random.
        options: variant of the models; the default one if not given.
        covariates: columns of the first order (``Orders.first_orders``), or of the values that :meth:`fit` is given,
            that the learned corrections use too; ``backtest_covariates`` says which of them add something.

    After ``fit``, ``tier_`` says what the predictions are based on and ``tier_reason_`` why; ``predictor_`` is the
    model itself.

    >>> import customer_revenue as cr
    >>> quick = cr.ModelOptions(windows=1, trees=5, regularity=1)
    >>> with cr.load_orders(cr.simulate_orders(1200, days=365, seed=1)) as orders:
    ...     model = cr.CustomerModel(horizon_days=90, options=quick).fit(orders, as_of="2023-09-30")
    ...     predictions = model.predict(orders)
    >>> model.tier_
    'full'
    >>> {"expected_purchases", "estimated_ltv_cents", "churn_risk_score", "next_purchase_date"} <= set(predictions)
    True
    """

    def __init__(
        self,
        horizon_days: int = 365,
        *,
        interval_mass: float = 0.8,
        discount_rate_per_year: float = 0.1,
        seed: int = 20_240,
        options: ModelOptions | None = None,
        covariates: Sequence[str] = (),
    ) -> None:
        self.horizon_days = horizon_days
        self.interval_mass = interval_mass
        self.discount_rate_per_year = discount_rate_per_year
        self.seed = seed
        self.options = options
        self.covariates = covariates
        self._values: pa.Table | None = None
        self._predictor: Predictor | None = None

    def __repr__(self) -> str:
        fitted = f"{self.tier_}, as of {self.as_of}" if self._predictor else "not fitted"
        return f"<CustomerModel: {self.horizon_days} days, {fitted}>"

    def _html_repr(self) -> str:
        if self._predictor is None:
            return as_html(repr(self), {})
        weights = {"Weights": self.weights_.to_frame("weight")} if len(self.weights_) else {}
        return as_html(repr(self), weights, [self.tier_reason_] if self.tier_reason_ else [])

    def __sklearn_is_fitted__(self) -> bool:
        return self._predictor is not None

    def fit(self, orders: Orders | Frame, as_of: DayLike | None = None, *, values: Rows | None = None) -> Self:
        """Fit to what was known on a day; later orders are ignored.

        Args:
            orders: the store, or a log of orders in a frame, as ``load_orders`` takes it.
            as_of: last day included; by default the store's as-of day, and the day of the last order of a frame.
            values: the covariates, one row per ``customer_id``, as they were known on each customer's first day; by
                default ``Orders.first_orders``. Customers who are not among them have missing values.

        Raises:
            NotEnoughData: nobody had bought by then.
            InvalidParameter: a setting is outside its bounds, or a covariate is missing or no number, text or boolean.

        >>> import customer_revenue as cr
        >>> quick = cr.CustomerModel(90, options=cr.ModelOptions(learned=False, windows=1, regularity=1))
        >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
        ...     quick.fit(orders, as_of="2023-09-30")
        <CustomerModel: 90 days, probability_models, as of 2023-09-30>
        """
        if not isinstance(orders, Orders):
            with load_orders(orders) as loaded:
                return self.fit(loaded, as_of or loaded.info.last_day, values=values)
        self._check_parameters()
        options = self.options or ModelOptions()
        names = CovariateRows(self.covariates or options.covariates).names
        when = orders.store.as_of(as_day(as_of))
        predictor = Predictor(
            when.day,
            self.horizon_days,
            self.interval_mass,
            self.discount_rate_per_year,
            self.seed,
            options,
            names,
        )
        plain = options.model_copy(update={"covariates": ()})  # ours come from the values
        windows = training_windows(orders.store, when, self.horizon_days, plain)
        customers = population(orders.store, when)
        if names:
            self._values = None if values is None else as_table(values)
            known = self._known_values(orders, when.day)
            customers = replace(customers, sample=with_columns(customers.sample, known, names))
            windows = [replace(w, features=with_columns(w.features, known, names)) for w in windows]
        self._predictor = predictor.fit(customers, windows)
        return self

    def _check_parameters(self) -> None:
        if not isinstance(self.horizon_days, int) or self.horizon_days < 1:
            raise InvalidParameter(f"horizon_days must be a whole number, 1 or more, not {self.horizon_days!r}")
        if not 0 < self.interval_mass < 1:
            raise InvalidParameter(f"interval_mass must be between 0 and 1, not {self.interval_mass!r}")
        if not self.discount_rate_per_year > -1:
            raise InvalidParameter(f"discount_rate_per_year must be above -1, not {self.discount_rate_per_year!r}")

    @property
    def predictor_(self) -> Predictor:
        """The model itself, which takes and returns Arrow tables.

        >>> import customer_revenue as cr
        >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
        >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
        ...     model = cr.CustomerModel(90, options=quick).fit(orders)
        >>> model.predictor_.horizon_days
        90
        """
        if self._predictor is None:
            raise NotFitted("this CustomerModel is not fitted: call fit with orders first")
        return self._predictor

    @property
    def tier_(self) -> str:
        """What the predictions are based on: ``full``, ``probability_models``, ``population`` or ``facts_only``.

        >>> import customer_revenue as cr
        >>> with cr.load_orders(cr.simulate_orders(customers=20, days=90, seed=1)) as orders:
        ...     cr.CustomerModel(90).fit(orders).tier_
        'population'
        """
        return str(self.predictor_.tier_)

    @property
    def tier_reason_(self) -> str:
        """Why the predictions have this tier and no better one.

        >>> import customer_revenue as cr
        >>> with cr.load_orders(cr.simulate_orders(customers=20, days=90, seed=1)) as orders:
        ...     cr.CustomerModel(90).fit(orders).tier_reason_
        'only 10 customers have bought on two days; 30 are needed'
        """
        return self.predictor_.tier_reason_

    @property
    def as_of(self) -> dt.date:
        """The as-of day of the fit.

        >>> import customer_revenue as cr
        >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
        >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
        ...     model = cr.CustomerModel(90, options=quick).fit(orders, as_of="2023-12-31")
        >>> str(model.as_of)
        '2023-12-31'
        """
        return self.predictor_.as_of_day

    @property
    def weights_(self) -> Numbers:
        """Weight of each member and each learned correction; empty if nothing was learned.

        >>> import customer_revenue as cr
        >>> quick = cr.ModelOptions(windows=1, trees=5, regularity=1)
        >>> with cr.load_orders(cr.simulate_orders(1200, days=365, seed=1)) as orders:
        ...     model = cr.CustomerModel(90, options=quick).fit(orders, as_of="2023-09-30")
        >>> model.weights_.index.tolist()
        ['base', 'offset', 'direct', 'pareto', 'spend', 'classifier', 'prior', 'prior_spend', 'prior_churn']
        """
        return pd.Series(self.predictor_.weights(), dtype=float)

    @overload
    def predict(
        self, orders: Orders, as_of: DayLike | None = None, horizon_days: int | None = None
    ) -> pd.DataFrame: ...
    @overload
    def predict(self, orders: SameRows, as_of: DayLike | None = ..., horizon_days: int | None = ...) -> SameRows: ...
    def predict(self, orders: Orders | Rows, as_of: DayLike | None = None, horizon_days: int | None = None) -> Rows:
        """Predictions, one row per customer, in a frame of the library that the rows are of; pandas for a store.

        Args:
            orders: the store, or rows of ``Orders.features``, with the covariates if there are any.
            as_of: day to predict from; by default the day of the fit. Rows must be as of this day.
            horizon_days: horizon of expected purchases and revenue and of ``purchase_probability``; by default the
                model's.

        Raises:
            NotFitted: the model is not fitted.
            NotEnoughData: the model was not fitted to any customer.
            InvalidParameter: the horizon is no number of days.

        >>> import customer_revenue as cr
        >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
        >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
        ...     model = cr.CustomerModel(90, options=quick).fit(orders, as_of="2023-09-30")
        ...     month = model.predict(orders, horizon_days=30)
        ...     quarter = model.predict(orders)
        ...     later = model.predict(orders, as_of="2023-12-15")
        >>> bool((month["expected_purchases"] <= quarter["expected_purchases"]).all())
        True
        """
        day = as_day(as_of) or self.as_of
        predictor = self.predictor_.as_of(day)
        if horizon_days is not None:
            horizon_days = round(checked_horizon(horizon_days))
        found = as_frame(predictor.predict(self._features(orders, day), horizon_days))
        return found if isinstance(orders, Orders) else same_kind(orders, found)

    def forecast(
        self, orders: Orders, months: int = 12, unit: str = "month", as_of: DayLike | None = None
    ) -> pd.DataFrame:
        """The forecast of the shop: known customers and customers to come, one row per month or week.

        Args:
            orders: the store.
            months: months ahead, 1 to 36.
            unit: ``"month"`` or ``"week"``.
            as_of: day to forecast from; by default the day of the fit.

        Returns:
            The columns of the service's ``path``, by the step's last day. ``attrs`` has ``confidence_score``, the share
            of past months inside the band that was forecast for them, ``confidence_reason``, and the ``margin_percent``
            and ``margin_basis`` of ``total_profit_cents``.

        Raises:
            InvalidParameter: for another number of months or another unit.
            NotEnoughData: the model was not fitted to any customer.

        >>> import customer_revenue as cr
        >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
        >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
        ...     model = cr.CustomerModel(90, options=quick).fit(orders, as_of="2023-09-30")
        ...     path = model.forecast(orders, months=3)
        >>> path.index.tolist()
        ['2023-10-30', '2023-11-30', '2023-12-30']
        >>> bool((path["total_low_cents"] < path["total_high_cents"]).all())
        True
        """
        if not 1 <= months <= MONTHS_AHEAD:
            raise InvalidParameter(f"months must be 1 to {MONTHS_AHEAD}, not {months}")
        if unit not in list(ForecastUnit):
            raise InvalidParameter(f"unit must be one of {', '.join(ForecastUnit)}, not {unit[:40]!r}")
        day = as_day(as_of) or self.as_of
        store, when, policy = orders.store, orders.store.as_of(day), load_policy(orders.settings.policy)
        found = shop_forecast(store, when, self.predictor_.as_of(day), orders.arrow.features(day), policy)
        margin = margin_rate(store.for_joins(), when, policy.margin)
        body = forecast_body(found, [], when, months, ForecastUnit(unit), policy, store.info.currency, margin)
        path: pd.DataFrame = pd.DataFrame(cast("list[dict[str, object]]", body["path"])).set_index("last_day")
        names = ("confidence_score", "confidence_reason", "margin_percent", "margin_basis")
        path.attrs = {name: body[name] for name in names}
        return path

    @overload
    def curve(self, orders: Orders, days: Sequence[float], as_of: DayLike | None = None) -> pd.DataFrame: ...
    @overload
    def curve(self, orders: SameRows, days: Sequence[float], as_of: DayLike | None = None) -> SameRows: ...
    def curve(self, orders: Orders | Rows, days: Sequence[float], as_of: DayLike | None = None) -> Rows:
        """F(t), the chance of at least one purchase within t days: one row per customer, one column per number of days.

        In pandas customers are the index; in frames of other libraries they are a column, as the rows are.

        >>> import customer_revenue as cr
        >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
        >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
        ...     model = cr.CustomerModel(90, options=quick).fit(orders, as_of="2023-09-30")
        ...     model.curve(orders, days=[30, 90, 365]).mean().round(2).tolist()
        [0.21, 0.41, 0.64]
        """
        features = self._features(orders, as_day(as_of) or self.as_of)
        chances = self.predictor_.curve(features, checked_horizons(list(days)).tolist())
        found = pd.DataFrame(chances, customer_index(features), list(days))
        return found if isinstance(orders, Orders) else by_customer(orders, found)

    def reasons(self, orders: Orders | Rows, as_of: DayLike | None = None) -> Lines:
        """The drivers of each customer's churn risk in words, strongest first, by customer.

        >>> import customer_revenue as cr
        >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
        >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
        ...     model = cr.CustomerModel(90, options=quick).fit(orders, as_of="2023-09-30")
        ...     model.reasons(orders)["c10"]
        ['no purchase for 36 days, where 24 days are usual', 'bought on 6 days, 4 of them in the last 90']
        """
        features = self._features(orders, as_day(as_of) or self.as_of)
        currency = orders.info.currency if isinstance(orders, Orders) else ""
        found = self.predictor_.reasons(self.predictor_.reason_inputs(features), currency)
        return pd.Series(found, index=customer_index(features))

    def churn_contributions(
        self, orders: Orders | Rows, as_of: DayLike | None = None
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """SHAP values of the churn classifier, and the feature values that they belong to.

        Args:
            orders: the store, or rows of ``Orders.features``.
            as_of: as-of day of the features; by default the day of the fit.

        Returns:
            Two frames with one row per customer and one column per feature: contributions to the log-odds of no
            purchase within 90 days, and feature values.

        Raises:
            InvalidParameter: there is no classifier.

        >>> import customer_revenue as cr
        >>> quick = cr.ModelOptions(windows=1, trees=5, regularity=1)
        >>> with cr.load_orders(cr.simulate_orders(1200, days=365, seed=1)) as orders:
        ...     model = cr.CustomerModel(90, options=quick).fit(orders, as_of="2023-09-30")
        ...     contributions, values = model.churn_contributions(orders)
        >>> contributions.shape == values.shape, "silence_days" in contributions
        (True, True)
        """
        features = self._features(orders, as_day(as_of) or self.as_of)
        found = self.predictor_.churn_contributions(features)
        if found is None:
            raise InvalidParameter(f"there is no churn classifier: {self.tier_reason_}")
        ids, (names, contributions, values) = customer_index(features), found
        return pd.DataFrame(contributions, ids, list(names)), pd.DataFrame(values, ids, list(names))

    def save(self, folder: str | Path) -> Path:
        """Write the model as a bundle of text files, which the service can load.

        >>> import customer_revenue as cr, tempfile
        >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
        >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
        ...     model = cr.CustomerModel(90, options=quick).fit(orders, as_of="2023-09-30")
        ...     with tempfile.TemporaryDirectory() as folder:
        ...         again = cr.CustomerModel.load(model.save(f"{folder}/bundle"))
        ...     again.predict(orders).equals(model.predict(orders))
        True
        """
        facts = {"version": Path(folder).name, "metrics": {}, "covariates_of_frame": self._values is not None}
        return bundle.save(self.predictor_, folder, facts)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Load a model from a bundle, such as ``models/current``; nothing is unpickled.

        Raises:
            ModelError: there is no bundle, or it is damaged or has another schema version.

        >>> import customer_revenue as cr
        >>> try:
        ...     cr.CustomerModel.load("nowhere")
        ... except cr.CustomerRevenueError as error:
        ...     print(error.code)
        model_not_found
        """
        predictor = bundle.load(folder)
        model = cls(
            predictor.horizon_days,
            interval_mass=predictor.interval_mass,
            discount_rate_per_year=predictor.discount_rate_per_year,
            seed=predictor.seed,
            options=predictor.options,
        )
        model._predictor = predictor
        model.covariates = predictor.covariates
        return model

    def _features(self, orders: Orders | Rows, day: dt.date) -> pa.Table:
        if not isinstance(orders, Orders):
            return as_table(orders)
        features = orders.arrow.features(day)
        names = self.predictor_.covariates
        return with_columns(features, self._known_values(orders, day), names) if names else features

    def _known_values(self, orders: Orders, day: dt.date) -> pa.Table:
        return orders.arrow.first_orders(day) if self._values is None else self._values
