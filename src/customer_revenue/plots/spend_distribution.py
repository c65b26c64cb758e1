"""Actual spend on a purchase day, and the distribution that Gamma-Gamma expects."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from customer_revenue.currencies import minor_units
from customer_revenue.errors import InvalidParameter
from customer_revenue.modeling.gamma_gamma import GammaGamma, log_spend_density
from customer_revenue.plots.style import INK, MODEL, axes_for

POINTS = 200
SHOWN_SHARE = 0.99
"""Quantile of the spends up to which the plot goes: a few large ones would compress all others."""


class SpendModel(Protocol):
    """What has a fitted Gamma-Gamma: ``ProbabilityModel`` after ``fit`` on rows with spend."""

    spend_: GammaGamma


def spend_distribution(
    model: SpendModel, features: pd.DataFrame, bins: int = 40, ax: Axes | None = None, *, currency: str = ""
) -> Axes:
    """Mean spend of the repeat buyers, and the distribution that Gamma-Gamma expects for their numbers of purchases.

    Args:
        model: fitted probability model.
        features: rows with ``spend_days`` and ``monetary_cents``.
        bins: of the histogram.
        ax: axes to draw on.
        currency: of the amounts, which says how many decimals they have; two without one.

    Raises:
        InvalidParameter: the model has no Gamma-Gamma.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     features = cdnow.features(as_of="1997-09-30")
    >>> axes = cr.plots.spend_distribution(cr.ProbabilityModel().fit(features), features)
    >>> x, y = axes.lines[0].get_data()
    >>> 0.9 < float(((y[1:] + y[:-1]) / 2 * (x[1:] - x[:-1])).sum()) <= 1.01
    True
    """
    spend = model.spend_
    if spend.p_ is None or spend.q_ is None or spend.v_ is None:
        raise InvalidParameter(f"there is no Gamma-Gamma to draw: {spend.problem_}")
    units = minor_units(currency)
    known = features[(features["spend_days"] > 0) & (features["monetary_cents"] > 0)]
    money = known["monetary_cents"].to_numpy(dtype=float) / units
    top = float(np.quantile(money, SHOWN_SHARE))
    grid = np.linspace(top / POINTS, top, POINTS)
    days, counts = np.unique(known["spend_days"].to_numpy(dtype=float), return_counts=True)
    logs = log_spend_density(days[:, None], grid[None, :] * units, spend.p_, spend.q_, spend.v_)
    density = counts @ np.exp(logs) / counts.sum() * units
    axes = axes_for(ax)
    axes.hist(
        money,
        bins=bins,
        range=(0, top),
        weights=np.full(len(money), bins / top / len(money)),
        color="#cbd2d9",
        label="actual",
        edgecolor="white",
    )
    axes.plot(grid, density, color=MODEL, label="Gamma-Gamma")
    axes.axvline(float(money.mean()), color=INK, linestyle=":", linewidth=1.2, label="actual mean")
    axes.set(xlabel=f"mean spend of a purchase day {currency}".rstrip(), ylabel="density", xlim=(0, top))
    axes.set_title("Spend of the repeat buyers")
    axes.legend(frameon=False)
    return axes
