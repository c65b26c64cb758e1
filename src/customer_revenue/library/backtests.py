"""Back-tests: every model trained on the same past and compared on the same future."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from customer_revenue.errors import InvalidParameter
from customer_revenue.library.frame_columns import DayLike, as_day, as_frame
from customer_revenue.library.html import as_html
from customer_revenue.library.orders import Orders
from customer_revenue.modeling.bootstrap import paired_bootstrap
from customer_revenue.modeling.comparators import member_forecasts, probability_forecast
from customer_revenue.modeling.forecast_names import BG_NBD, OURS
from customer_revenue.modeling.metrics import Outcomes, evaluate, slices
from customer_revenue.modeling.purchase_histories import column
from customer_revenue.settings import ModelOptions, load_settings
from customer_revenue.workflows.evaluation.backtest import choose_origins
from customer_revenue.workflows.evaluation.fold import BacktestFold, predict_from, slice_metrics

EXTRA_MODELS = {
    "mbg_nbd": "MBG/NBD + Gamma-Gamma",
    "pareto_nbd": "Pareto/NBD + Gamma-Gamma",
}
"""Display names of the models that can be compared in addition to ours, BG/NBD and the naive rule."""


def backtest(
    orders: Orders,
    horizon_days: int = 90,
    *,
    cutoffs: Sequence[DayLike] = (),
    origins: int = 1,
    also: Sequence[str] = ("mbg_nbd", "pareto_nbd"),
    options: ModelOptions | None = None,
) -> Backtest:
    """Train at each cut-off on what was known by then, predict the horizon that follows, and compare.

    Args:
        orders: the store.
        horizon_days: length of the horizon.
        cutoffs: last days included in training; if empty, chosen backwards from the end of the store.
        origins: number of cut-offs to choose.
        also: models to compare in addition to ours, BG/NBD with Gamma-Gamma and the naive rule.
        options: variant of our models.

    Raises:
        NotEnoughData: the history is not longer than the horizon.
        InvalidParameter: the store ends before the horizon of a cut-off does, or a model is unknown.

    >>> import customer_revenue as cr
    >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
    >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
    ...     result = cr.backtest(orders, 90, cutoffs=["2023-09-30"], also=(), options=quick)
    >>> result.figures["purchases_rmse"].round(1).to_dict()
    {'customer-revenue': 0.9, 'BG/NBD + Gamma-Gamma': 0.9, 'naive rule': 1.0}
    """
    if unknown := [name for name in also if name not in EXTRA_MODELS]:
        names = list(EXTRA_MODELS)
        raise InvalidParameter(f"unknown model {unknown[0]!r}: use one of {', '.join(names)}", names)
    settings = orders.settings
    if options is not None:
        chosen = {name: getattr(settings, name) for name in settings.model_fields_set}
        settings = load_settings(**{**chosen, "options": options})
    days = [day for day in map(as_day, cutoffs) if day] or choose_origins(orders.store, origins, horizon_days)
    found = []
    for cutoff in sorted(days):
        origin = predict_from(orders.store, settings.fit_options, cutoff, horizon_days)
        if origin.outcomes is None:
            last = orders.store.as_of().day
            raise InvalidParameter(
                f"the {horizon_days} days after {cutoff} are not over: the store's as-of day is {last}"
            )
        more = {EXTRA_MODELS[name]: probability_forecast(name, origin.features, horizon_days) for name in also}
        found.append(replace(origin, forecasts={**origin.forecasts, **more}))
    return Backtest(tuple(found))


@dataclass(frozen=True, repr=False)
class Backtest:
    """What every model predicted at one or more cut-offs, and what outcomes.

    >>> import customer_revenue as cr
    >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
    >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
    ...     result = cr.backtest(orders, 90, cutoffs=["2023-06-30", "2023-09-30"], also=("pareto_nbd",), options=quick)
    >>> [str(day) for day in result.cutoffs]
    ['2023-06-30', '2023-09-30']
    """

    origins: tuple[BacktestFold, ...]

    def __repr__(self) -> str:
        last, days = self.origins[-1], ", ".join(str(day) for day in self.cutoffs)
        customers, models = f"{last.features.num_rows:,}", len(last.forecasts)
        return f"<Backtest: {last.horizon_days} days after {days}, {customers} customers, {models} models>"

    def _repr_html_(self) -> str:
        return as_html(repr(self), {"Metrics, as means over the cut-offs": self.figures.T})

    @property
    def cutoffs(self) -> list[dt.date]:
        """The last days included in training.

        >>> import customer_revenue as cr
        >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
        >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
        ...     [str(day) for day in cr.backtest(orders, 90, also=(), options=quick).cutoffs]
        ['2023-10-02']
        """
        return [origin.cutoff for origin in self.origins]

    @property
    def _last(self) -> tuple[BacktestFold, Outcomes]:
        last = self.origins[-1]
        assert last.outcomes is not None
        return last, last.outcomes

    @property
    def figures(self) -> pd.DataFrame:
        """Metrics of every model, as means over the cut-offs: one row per model.

        >>> import customer_revenue as cr
        >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
        >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
        ...     cr.backtest(orders, 90, also=(), options=quick).figures.columns[:3].tolist()
        ['purchases_mae', 'purchases_rmse', 'purchases_spearman']
        """
        return self.by_cutoff.groupby(level="model", sort=False).mean()

    @property
    def by_cutoff(self) -> pd.DataFrame:
        """Metrics of every model at every cut-off: one row per cut-off and model.

        >>> import customer_revenue as cr
        >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
        >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
        ...     result = cr.backtest(orders, 60, origins=2, also=(), options=quick)
        >>> result.by_cutoff.index.names
        FrozenList(['cutoff', 'model'])
        """
        rows = {
            (origin.cutoff, model): figures for origin in self.origins for model, figures in origin.metrics().items()
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["cutoff", "model"])

    @property
    def members(self) -> pd.DataFrame:
        """Metrics of each member of our ensemble at the last cut-off: one row per member, empty without an ensemble.

        >>> import customer_revenue as cr
        >>> quick = cr.ModelOptions(windows=1, trees=5, regularity=1)
        >>> with cr.load_orders(cr.simulate_orders(1200, days=365, seed=1)) as orders:
        ...     cr.backtest(orders, 90, also=(), options=quick).members.index.tolist()
        ['base', 'offset', 'direct', 'pareto', 'prior']
        """
        last, outcomes = self._last
        found = member_forecasts(last.predictor, last.features, last.horizon_days)
        return pd.DataFrame.from_dict({n: evaluate(outcomes, f) for n, f in found.items()}, orient="index")

    @property
    def slices(self) -> pd.DataFrame:
        """Log loss and root mean square error by group of customers and model at the last cut-off.

        >>> import customer_revenue as cr
        >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
        >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
        ...     slices = cr.backtest(orders, 90, also=(), options=quick).slices
        >>> slices.index.get_level_values("slice")[0]
        'one_time_buyers'
        """
        last, _ = self._last
        groups = slices(*(column(last.features, name) for name in ("frequency", "T_days", "total_cents")))
        rows = {}
        for name, inside in groups.items():
            for model, figures in slice_metrics(last, inside).items():
                rows[name, model] = {"customers": int(inside.sum())} | {
                    wanted: figures[wanted] for wanted in ("probability_log_loss", "purchases_rmse")
                }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["slice", "model"])

    @property
    def groups(self) -> pd.DataFrame:
        """Our proper scores, coverage and sharpness by group of customers at the last cut-off: one row per group.

        Purchases, revenue (cents) and the days to the next purchase (of those who bought) each have ``…_pinball``,
        ``…_interval_score``, ``…_width``, ``…_covered`` next to ``…_stated``, and the shares of outcomes
        ``…_below_low``, ``…_below_median`` and ``…_above_high``. Purchases and revenue have ``…_crps`` too, and the
        shares ``…_pit_1`` to ``…_pit_10`` of the randomised PIT with the p-value ``…_pit_p``.

        >>> import customer_revenue as cr
        >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
        >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
        ...     groups = cr.backtest(orders, 90, also=(), options=quick).groups
        >>> groups.index[:3].tolist()
        ['all customers', '1 purchase day', '2–3 purchase days']
        """
        last, _ = self._last
        return pd.DataFrame.from_dict(last.group_scores, orient="index").rename_axis("group")

    def difference(self, model: str = OURS, other: str = BG_NBD, draws: int = 200) -> pd.DataFrame:
        """Metrics of a model minus those of another at the last cut-off, with 95 % intervals over resampled customers.

        Args:
            model: name of a row of ``figures``.
            other: name of another row.
            draws: number of bootstrap samples.

        Raises:
            InvalidParameter: a model is unknown.

        >>> import customer_revenue as cr
        >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
        >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
        ...     result = cr.backtest(orders, 90, also=(), options=quick)
        >>> result.difference(draws=20).columns.tolist()
        ['difference', 'low', 'high']
        """
        last, outcomes = self._last
        for name in (model, other):
            if name not in last.forecasts:
                raise InvalidParameter(f"unknown model {name!r}: use one of {', '.join(last.forecasts)}")
        gaps = paired_bootstrap(outcomes, last.forecasts[model], last.forecasts[other], draws)
        return pd.DataFrame.from_dict(gaps, orient="index", columns=["difference", "low", "high"])

    def customers(self, model: str = OURS) -> pd.DataFrame:
        """Each customer at the last cut-off: features, a model's predictions, and what outcomes.

        Args:
            model: name of a row of ``figures``.

        Returns:
            The columns of ``Orders.features``, the predicted ``expected_purchases``, ``expected_revenue_cents`` and
            ``purchase_probability``, and the actual ``purchases``, ``revenue_cents`` and ``bought``. Our model also
            has its intervals.

        Raises:
            InvalidParameter: the model is unknown.

        >>> import customer_revenue as cr
        >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
        >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
        ...     customers = cr.backtest(orders, 90, also=(), options=quick).customers()
        >>> customers[["purchases", "expected_purchases"]].sum().round(-2).tolist()
        [200.0, 200.0]
        """
        last, outcomes = self._last
        if model not in last.forecasts:
            raise InvalidParameter(f"unknown model {model!r}: use one of {', '.join(last.forecasts)}")
        forecast = last.forecasts[model]
        frame = as_frame(last.features).assign(
            expected_purchases=forecast.purchases,
            expected_revenue_cents=forecast.revenue,
            purchase_probability=forecast.probability,
            purchases=outcomes.purchases,
            revenue_cents=outcomes.revenue,
            bought=outcomes.bought,
        )
        if model == OURS:
            names = ("purchases_low", "purchases_high", "revenue_low_cents", "revenue_high_cents", "interval_mass")
            frame = frame.assign(**{name: last.predictions.column(name).to_numpy() for name in names})
        return frame
