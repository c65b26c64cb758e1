"""Plots of back-tests and models; each function takes arrays and returns a matplotlib figure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#1f2933"
MODEL = "#0b6e99"
GRID = "#d9e2ec"


def reliability(
    probability: npt.ArrayLike, happened: npt.ArrayLike, event: str = "a purchase within the horizon", bins: int = 10
) -> Figure:
    """Observed share against predicted probability, in bins of equal numbers of customers.

    Args:
        probability: predicted probability of the event, one a customer.
        happened: whether it happened.
        event: what it is, for the axes.
        bins: number of bins.
    """
    predicted = np.asarray(probability, dtype=float)
    order = np.argsort(predicted, kind="stable")
    groups = np.array_split(order, min(bins, len(order)))
    outcome = np.asarray(happened, dtype=float)
    means = [predicted[group].mean() for group in groups]
    shares = [outcome[group].mean() for group in groups]
    errors = [1.96 * np.sqrt(max(s * (1 - s), 1e-9) / len(g)) for s, g in zip(shares, groups, strict=True)]
    figure, axes = _figure()
    axes.plot([0, 1], [0, 1], color=GRID, zorder=1)
    axes.errorbar(means, shares, yerr=errors, fmt="o", color=MODEL, ecolor=MODEL, elinewidth=1, zorder=2)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel=f"predicted probability of {event}", ylabel="observed share")
    axes.set_title("Calibration on the held-out window")
    return figure


def tracking(days: Sequence[int], actual: npt.ArrayLike, expected: npt.ArrayLike) -> Figure:
    """Cumulative purchases of the held-out window, as they came and as they were expected.

    Args:
        days: days after the cut-off.
        actual: purchase days of all customers up to each of them.
        expected: the sum of the customers' expected purchases up to each of them.
    """
    figure, axes = _figure()
    axes.plot(days, np.asarray(actual, dtype=float), color=INK, label="actual")
    axes.plot(days, np.asarray(expected, dtype=float), color=MODEL, linestyle="--", label="expected")
    axes.set(xlabel="days after the cut-off", ylabel="cumulative purchases", xlim=(0, max(days)), ylim=(0, None))
    axes.set_title("Purchases of the held-out window")
    axes.legend(frameon=False)
    return figure


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes
