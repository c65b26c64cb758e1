"""A model's predictions over all recencies and frequencies, and P(alive) along one customer's history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from customer_revenue.arrays import Floats
from customer_revenue.plots.style import ACCENT, MODEL, FittedModel, axes_for, title_of

MAX_GRID_STEPS = 60


def frequency_recency_matrix(
    model: FittedModel,
    horizon_days: float = 30,
    T_days: float = 365,
    most_frequency: int = 20,
    ax: Axes | None = None,
    covariates: Mapping[str, Any] | None = None,
) -> Axes:
    """Expected purchases of customers who came T days ago, by repeat purchases and day of the last one.

    Args:
        model: fitted probability model.
        horizon_days: how far ahead.
        T_days: days since the first purchase.
        most_frequency: repeat purchases up to which to draw.
        ax: axes to draw on.
        covariates: the customers' values, by column, for a model with covariates.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     model = cr.ProbabilityModel("bg_nbd").fit(cdnow.features(as_of="1997-09-30"))
    >>> axes = cr.plots.frequency_recency_matrix(model, horizon_days=30, T_days=270)
    >>> axes.images[0].get_array().shape
    (60, 21)
    """

    def expected(rows: pd.DataFrame) -> Floats:
        return np.asarray(model.expected_purchases(rows, horizon_days), dtype=np.float64)

    values = _grid(expected, T_days, most_frequency, covariates or {})
    title = f"Expected purchases in {horizon_days:.0f} days, {title_of(model.name)}"
    return _matrix(values, T_days, most_frequency, "expected purchases", title, ax)


def probability_alive_matrix(
    model: FittedModel,
    T_days: float = 365,
    most_frequency: int = 20,
    ax: Axes | None = None,
    covariates: Mapping[str, Any] | None = None,
) -> Axes:
    """P(alive) of customers who came T days ago, by repeat purchases and day of the last one.

    Args:
        model: fitted probability model.
        T_days: days since the first purchase.
        most_frequency: repeat purchases up to which to draw.
        ax: axes to draw on.
        covariates: the customers' values, by column, for a model with covariates.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     model = cr.ProbabilityModel("mbg_nbd").fit(cdnow.features(as_of="1997-09-30"))
    >>> axes = cr.plots.probability_alive_matrix(model, T_days=270)
    >>> float(axes.images[0].get_array().max()) <= 1
    True
    """

    def alive(rows: pd.DataFrame) -> Floats:
        return np.asarray(model.probability_alive(rows), dtype=np.float64)

    values = _grid(alive, T_days, most_frequency, covariates or {})
    title = f"Probability of being alive, {title_of(model.name)}"
    return _matrix(values, T_days, most_frequency, "P(alive)", title, ax)


def alive_history(
    model: FittedModel,
    purchase_days: pd.DataFrame,
    until: str | None = None,
    ax: Axes | None = None,
    covariates: Mapping[str, Any] | None = None,
) -> Axes:
    """P(alive) of one customer on each day since their first purchase, with their purchases.

    Args:
        model: fitted probability model, with time in days.
        purchase_days: as ``Orders.purchase_days`` gives them for one customer.
        until: last day to draw; by default the day of the last purchase and half the life again.
        ax: axes to draw on.
        covariates: the customers' values, by column, for a model with covariates.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     model = cr.ProbabilityModel("mbg_nbd").fit(cdnow.features(as_of="1997-09-30"))
    ...     axes = cr.plots.alive_history(model, cdnow.purchase_days("00004"), until="1998-06-30")
    >>> len(axes.lines[0].get_xdata())
    546
    """
    days = pd.DatetimeIndex(purchase_days["day"].sort_values().unique())
    first, last = days[0], days[-1]
    end = pd.Timestamp(until) if until else last + (last - first) / 2 + pd.Timedelta(days=30)
    clock = pd.date_range(first, end, freq="D")
    bought = np.searchsorted(days, clock, side="right") - 1
    rows = pd.DataFrame(
        {
            "customer_id": range(len(clock)),
            "frequency": bought,
            "recency_days": (days[bought] - first).days,
            "T_days": (clock - first).days,
        }
    ).assign(**(covariates or {}))
    axes = axes_for(ax, 8, 3.5)
    axes.plot(clock, model.probability_alive(rows).to_numpy(), color=MODEL)
    axes.vlines(days, 0, 1, color=ACCENT, linestyle=":", linewidth=1, label="purchase")
    axes.set(ylabel="P(alive)", ylim=(0, 1.02), xlim=(first, end))
    axes.set_title(f"One customer, {title_of(model.name)}")
    axes.tick_params(axis="x", rotation=30)
    axes.legend(frameon=False, loc="lower left")
    return axes


def _grid(
    of: Callable[[pd.DataFrame], Floats], T_days: float, most_frequency: int, covariates: Mapping[str, Any]
) -> Floats:
    """Values by recency (rows, upwards) and frequency (columns)."""
    recency = np.linspace(T_days / MAX_GRID_STEPS, T_days, MAX_GRID_STEPS)
    r, x = np.meshgrid(recency, np.arange(most_frequency + 1.0), indexing="ij")
    # A customer without a repeat purchase has no recency: the column shows the one value at every height.
    r = np.where(x == 0, 0.0, r)
    rows = pd.DataFrame(
        {"customer_id": range(x.size), "frequency": x.ravel(), "recency_days": r.ravel(), "T_days": T_days}
    )
    return of(rows.assign(**covariates)).reshape(x.shape)


def _matrix(values: Floats, T_days: float, most_frequency: int, what: str, title: str, ax: Axes | None) -> Axes:
    axes = axes_for(ax)
    axes.grid(visible=False)
    image = axes.imshow(
        values, origin="lower", aspect="auto", cmap="cividis", extent=(-0.5, most_frequency + 0.5, 0, T_days)
    )
    axes.set(xlabel="repeat purchases", ylabel=f"day of the last purchase (of {T_days:.0f})")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title(title)
    figure = axes.get_figure()
    assert figure is not None, "axes belong to a figure"
    figure.colorbar(image, ax=axes, label=what)
    return axes
