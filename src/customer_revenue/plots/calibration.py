"""Calibration: probabilities, totals and intervals compared with what happened."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from customer_revenue.plots.style import GRID, INK, MODEL, axes_for


def reliability(
    probability: npt.ArrayLike,
    happened: npt.ArrayLike,
    event: str = "a purchase within the horizon",
    bins: int = 10,
    ax: Axes | None = None,
) -> Axes:
    """Observed share against predicted probability, in bins of equal numbers of customers, with 95 % intervals.

    Args:
        probability: predicted probability of the event, one per customer.
        happened: whether it happened.
        event: what it is, for the axes.
        bins: number of bins.
        ax: axes to draw on.

    >>> import customer_revenue as cr
    >>> axes = cr.plots.reliability([0.1, 0.2, 0.7, 0.9], [0, 0, 1, 1], bins=2)
    >>> axes.lines[1].get_xydata().round(2).tolist()
    [[0.15, 0.0], [0.8, 1.0]]
    """
    predicted = np.asarray(probability, dtype=float)
    order = np.argsort(predicted, kind="stable")
    groups = np.array_split(order, min(bins, len(order)))
    outcome = np.asarray(happened, dtype=float)
    means = [predicted[group].mean() for group in groups]
    shares = [outcome[group].mean() for group in groups]
    errors = [1.96 * np.sqrt(max(s * (1 - s), 1e-9) / len(g)) for s, g in zip(shares, groups, strict=True)]
    axes = axes_for(ax)
    axes.plot([0, 1], [0, 1], color=GRID, zorder=1)
    axes.errorbar(means, shares, yerr=errors, fmt="o", color=MODEL, ecolor=MODEL, elinewidth=1, zorder=2)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel=f"predicted probability of {event}", ylabel="observed share")
    axes.set_title("Calibration on the held-out window")
    return axes


def tracking(days: Sequence[int], actual: npt.ArrayLike, expected: npt.ArrayLike, ax: Axes | None = None) -> Axes:
    """Cumulative purchases of the held-out window, actual and expected.

    Args:
        days: days after the cut-off.
        actual: purchase days of all customers up to each of them.
        expected: the sum of the customers' expected purchases up to each of them.
        ax: axes to draw on.

    >>> import customer_revenue as cr
    >>> axes = cr.plots.tracking([0, 30, 60], [0, 12, 20], [0, 10, 21])
    >>> [line.get_label() for line in axes.lines]
    ['actual', 'expected']
    """
    axes = axes_for(ax)
    axes.plot(days, np.asarray(actual, dtype=float), color=INK, label="actual")
    axes.plot(days, np.asarray(expected, dtype=float), color=MODEL, linestyle="--", label="expected")
    axes.set(xlabel="days after the cut-off", ylabel="cumulative purchases", xlim=(0, max(days)), ylim=(0, None))
    axes.set_title("Purchases of the held-out window")
    axes.legend(frameon=False)
    return axes


def interval_coverage(
    actual: npt.ArrayLike,
    low: npt.ArrayLike,
    high: npt.ArrayLike,
    mass: npt.ArrayLike,
    by: npt.ArrayLike,
    groups: int = 10,
    ax: Axes | None = None,
) -> Axes:
    """How often intervals held, compared with their stated probability, by groups of customers of rising prediction.

    Args:
        actual: what happened, such as revenue or lifetime value, one per customer.
        low: lower end of each customer's interval.
        high: upper end.
        mass: stated probability of each interval.
        by: prediction that customers are grouped by.
        groups: of equal numbers of customers.
        ax: axes to draw on.

    >>> import customer_revenue as cr
    >>> low, high = [0, 0, 8, 8], [2, 4, 12, 12]
    >>> axes = cr.plots.interval_coverage([1, 5, 9, 50], low, high, mass=[0.8] * 4, by=[1, 2, 3, 4], groups=2)
    >>> axes.lines[0].get_ydata().tolist()
    [0.5, 0.5]
    """
    y, a, b, stated, key = (np.asarray(v, dtype=float) for v in (actual, low, high, mass, by))
    inside = (y >= a - 0.5) & (y <= b + 0.5)
    parts = np.array_split(np.argsort(key, kind="stable"), groups)
    shares = np.array([inside[part].mean() for part in parts])
    errors = 1.96 * np.sqrt(np.maximum(shares * (1 - shares), 1e-9) / [len(part) for part in parts])
    place = np.arange(1, groups + 1)
    axes = axes_for(ax)
    axes.errorbar(place, shares, yerr=errors, fmt="o", color=MODEL, elinewidth=1, label="held")
    axes.plot(place, [stated[part].mean() for part in parts], color=INK, linestyle="--", label="stated")
    axes.set(xlabel="customers by prediction, lowest to highest", ylabel="share of customers", ylim=(0, 1.02))
    axes.set_xticks(place)
    axes.set_title("Do the intervals hold?")
    axes.legend(frameon=False, loc="lower left")
    return axes
