"""What drives the churn score, feature by feature."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from customer_revenue.arrays import Floats
from customer_revenue.plots.style import INK, axes_for

MAX_POINTS = 1_000
"""Maximum number of customers drawn, evenly picked: more would only overlap."""

HEIGHT = 0.38

LABELS = {
    "churn_log_odds": "the purchase model's answer",
    "base_purchases": "purchases by the purchase model",
    "base_probability": "P(purchase) by the purchase model",
    "probability_alive": "P(alive)",
}
"""Labels of features whose names are not self-explanatory; the others keep their names."""


def shap_summary(contributions: pd.DataFrame, values: pd.DataFrame, most: int = 12, ax: Axes | None = None) -> Axes:
    """SHAP values of the churn classifier: one dot per customer and feature, coloured by the feature's value.

    A dot to the right makes the churn score higher. Features are in the order of their mean absolute contribution.

    Args:
        contributions: as ``CustomerModel.churn_contributions`` gives them, in log-odds.
        values: the features' values, likewise.
        most: features to draw.
        ax: axes to draw on.

    >>> import pandas as pd, customer_revenue as cr
    >>> contributions = pd.DataFrame({"silence_days": [-1.0, 0.5, 2.0], "frequency": [0.1, 0.2, -0.3]})
    >>> values = pd.DataFrame({"silence_days": [3, 90, 200], "frequency": [9, 1, 0]})
    >>> axes = cr.plots.shap_summary(contributions, values)
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['frequency', 'silence days']
    """
    order = contributions.abs().mean().sort_values(ascending=False).index[:most][::-1]
    step = max(len(contributions) // MAX_POINTS, 1)
    axes = axes_for(ax, 7.5, 0.6 + 0.42 * max(len(order), 4))
    axes.grid(visible=False, axis="y")
    axes.axvline(0, color=INK, linewidth=0.8)
    points = None
    for place, name in enumerate(order):
        x = contributions[name].to_numpy(dtype=float)[::step]
        colour = _rank(values[name].to_numpy(dtype=float))[::step]
        points = axes.scatter(
            x, place + _spread(x), c=colour, cmap="cividis", vmin=0, vmax=1, s=7, linewidths=0, plotnonfinite=False
        )
    axes.set_yticks(range(len(order)), [LABELS.get(str(name), str(name).replace("_", " ")) for name in order])
    axes.set(xlabel="contribution to the log-odds of churn", ylim=(-0.6, len(order) - 0.4))
    axes.set_title("What drives the churn score")
    figure = axes.get_figure()
    assert figure is not None, "axes belong to a figure"
    if points is not None:
        bar = figure.colorbar(points, ax=axes, ticks=[0, 1], aspect=40)
        bar.set_ticklabels(["low", "high"])
        bar.set_label("value of the feature")
    return axes


def _rank(values: Floats) -> Floats:
    """Each value's place among the others, 0 to 1, ties alike; NaN stays."""
    ranked = pd.Series(values).rank(method="average").to_numpy()
    known = np.isfinite(values).sum()
    return np.asarray((ranked - 1) / max(known - 1, 1))


def _spread(x: Floats, bins: int = 60) -> Floats:
    """Heights that keep dots of about the same place apart, alternately above and below, within a row."""
    width = max(float(np.ptp(x)), 1e-12) / bins
    cell = np.floor((x - x.min()) / width).astype(int)
    order = np.argsort(cell, kind="stable")
    start = np.searchsorted(cell[order], cell[order], side="left")
    nth = np.empty(len(x))
    nth[order] = np.arange(len(x)) - start
    counts = np.bincount(cell)[cell]
    side = np.where(nth % 2 == 0, 1, -1)
    return np.asarray(side * np.ceil(nth / 2) / max(float(counts.max()), 2.0) * 2 * HEIGHT)
