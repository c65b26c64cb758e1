"""Realised over predicted, week by week."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from customer_revenue.plots.style import ACCENT, GRID, INK, MODEL, axes_for

MARGIN = np.timedelta64(5, "D")
"""Margin before the first week and after the last."""


def realised_over_predicted(
    weeks: Sequence[dt.date],
    bands: Sequence[tuple[float, float, float]],
    alarms: Sequence[bool],
    tolerance: float,
    ax: Axes | None = None,
) -> Axes:
    """Actual totals over predicted ones with their bands, and what is tolerated.

    Args:
        weeks: of the predictions.
        bands: value, low and high of each.
        alarms: which of them raise an alarm.
        tolerance: how much more, or as many times less, is tolerated.
        ax: axes to draw on.
    """
    axes = axes_for(ax, height=3.0)
    axes.axhspan(1 / (1 + tolerance), 1 + tolerance, color=GRID, alpha=0.6, linewidth=0, zorder=0)
    axes.axhline(1, color=INK, linewidth=0.8, zorder=1)
    values = np.asarray(bands, dtype=float).reshape(-1, 3)
    days = np.asarray(weeks, dtype="datetime64[D]")
    for wrong, colour in ((False, MODEL), (True, ACCENT)):
        rows = np.asarray(alarms, dtype=bool) == wrong
        middle, low, high = values[rows].T
        reach = np.vstack([middle - low, high - middle])
        axes.errorbar(days[rows], middle, yerr=reach, fmt="o", markersize=4, color=colour, elinewidth=1.2, zorder=2)
    if len(days):
        axes.set_xlim(days.min() - MARGIN, days.max() + MARGIN)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(locator := AutoDateLocator(minticks=2, maxticks=6))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_ylabel("actual / predicted")
    return axes
