"""Concentration of value over customers, and how well predictions rank them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from customer_revenue.arrays import Floats
from customer_revenue.plots.style import COLOURS, GRID, INK, MODEL, axes_for


def gain(value: npt.ArrayLike, scores: Mapping[str, npt.ArrayLike], ax: Axes | None = None) -> Axes:
    """The share of all value that the best customers by each prediction hold, from the first to all of them.

    Args:
        value: what each customer turned out to be worth, such as the revenue of the held-out window.
        scores: predictions by name; equal ones share their customers' mean.
        ax: axes to draw on.

    >>> import customer_revenue as cr
    >>> axes = cr.plots.gain([10, 0, 0, 30], {"model": [2, 1, 0, 3]})
    >>> axes.lines[-1].get_ydata().tolist()
    [0.0, 0.75, 1.0, 1.0, 1.0]
    """
    worth = np.asarray(value, dtype=float)
    share = np.linspace(0, 1, len(worth) + 1)
    axes = axes_for(ax)
    axes.plot([0, 1], [0, 1], color=GRID, label="chance")
    axes.plot(share, _cumulated(worth, worth), color=INK, linestyle=":", label="hindsight")
    for place, (name, score) in enumerate(scores.items()):
        found = _cumulated(worth, np.asarray(score, dtype=float))
        axes.plot(share, found, color=COLOURS[place % len(COLOURS)], label=name)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="customers, best prediction first", ylabel="share of the value")
    axes.set_title("What the best customers by prediction bring")
    return _in_percent(axes)


def lorenz(value: npt.ArrayLike, ax: Axes | None = None) -> Axes:
    """The share of all value that the least valuable customers hold together, with the Gini coefficient.

    Args:
        value: of each customer, such as revenue to date.
        ax: axes to draw on.

    >>> import customer_revenue as cr
    >>> axes = cr.plots.lorenz([1, 1, 2, 6])
    >>> axes.lines[-1].get_ydata().tolist(), axes.get_title()
    ([0.0, 0.1, 0.2, 0.4, 1.0], 'Concentration: Gini 0.40')
    """
    worth = np.sort(np.asarray(value, dtype=float))
    curve = np.concatenate([[0.0], np.cumsum(worth) / worth.sum()])
    gini = 1 - 2 * float(np.trapezoid(curve, dx=1 / len(worth)))
    axes = axes_for(ax)
    axes.plot([0, 1], [0, 1], color=GRID, label="all alike")
    axes.plot(np.linspace(0, 1, len(curve)), curve, color=MODEL, label="customers")
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="customers, least valuable first", ylabel="share of the value")
    axes.set_title(f"Concentration: Gini {gini:.2f}")
    return _in_percent(axes)


def _cumulated(value: Floats, score: Floats) -> Floats:
    """Share of the value of the best n customers by score, for n from 0 to all; ties count with their mean."""
    _, place = np.unique(-score, return_inverse=True)
    means = np.bincount(place, value) / np.bincount(place)
    ordered = means[np.sort(place)]
    return np.concatenate([[0.0], np.cumsum(ordered) / value.sum()])


def _in_percent(axes: Axes) -> Axes:
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(frameon=False)
    return axes
