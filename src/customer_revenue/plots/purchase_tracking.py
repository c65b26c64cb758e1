"""Actual purchases, and those that a model expected."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from customer_revenue.plots.style import COLOURS, INK, MODEL, MUTED, FittedModel, axes_for, title_of

WIDTH = 0.4


def repeat_purchases(model: FittedModel, features: pd.DataFrame, most: int = 7, ax: Axes | None = None) -> Axes:
    """How many customers have made 0, 1, 2, … repeat purchases, and how many the model expects.

    It shows whether the model can describe what it was fitted to; the last bar is for that many or more.

    Args:
        model: fitted probability model.
        features: rows with ``frequency`` and ``T_days``.
        most: the last number.
        ax: axes to draw on.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     features = cdnow.features(as_of="1997-09-30")
    >>> axes = cr.plots.repeat_purchases(cr.ProbabilityModel("bg_nbd").fit(features), features)
    >>> [round(bar.get_height()) for bar in axes.containers[0]][:3]
    [1411, 439, 214]
    """
    place = np.arange(most + 1)
    counts = np.bincount(np.minimum(features["frequency"].to_numpy(dtype=int), most), minlength=most + 1)
    axes = axes_for(ax)
    axes.bar(place - WIDTH / 2, counts, WIDTH, color=INK, label="actual")
    axes.bar(
        place + WIDTH / 2, model.repeat_distribution(features, most).to_numpy(), WIDTH, color=MODEL, label="expected"
    )
    axes.set_xticks(place, [*map(str, place[:-1]), f"{most}+"])
    axes.set(xlabel="repeat purchases", ylabel="customers")
    axes.set_title(f"Repeat purchases of each customer, {title_of(model.name)}")
    axes.legend(frameon=False)
    return axes


def cumulative_purchases(
    model: FittedModel, daily: pd.DataFrame, cutoff: str | None = None, ax: Axes | None = None
) -> Axes:
    """All repeat purchases since the first day, actual and expected of the customers who came.

    Args:
        model: fitted probability model, with time in days.
        daily: as ``Orders.daily`` gives it.
        cutoff: last day that the model was fitted to, marked by a line.
        ax: axes to draw on.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     model = cr.ProbabilityModel("bg_nbd").fit(cdnow.features(as_of="1997-09-30"))
    ...     axes = cr.plots.cumulative_purchases(model, cdnow.daily(), cutoff="1997-09-30")
    >>> [round(float(line.get_ydata()[-1])) for line in axes.lines[:2]]
    [4339, 4161]
    """
    days = _day_by_day(model, daily)
    axes = axes_for(ax)
    axes.plot(days.index, days["actual"].cumsum(), color=INK, label="actual")
    axes.plot(days.index, days["expected"].cumsum(), color=MODEL, linestyle="--", label="expected")
    axes.set_title(f"Repeat purchases since the first day, {title_of(model.name)}")
    return _dated(axes, days, cutoff, "repeat purchases so far")


def incremental_purchases(
    model: FittedModel, daily: pd.DataFrame, cutoff: str | None = None, every_days: int = 7, ax: Axes | None = None
) -> Axes:
    """Repeat purchases of each week, actual and expected: seasons and campaigns stand out.

    Args:
        model: fitted probability model, with time in days.
        daily: as ``Orders.daily`` gives it.
        cutoff: last day that the model was fitted to, marked by a line.
        every_days: days that are summed; an incomplete rest is left out.
        ax: axes to draw on.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     model = cr.ProbabilityModel("bg_nbd").fit(cdnow.features(as_of="1997-09-30"))
    ...     axes = cr.plots.incremental_purchases(model, cdnow.daily(), cutoff="1997-09-30")
    >>> len(axes.lines[0].get_ydata())
    78
    """
    days = _day_by_day(model, daily)
    whole = days.iloc[: len(days) // every_days * every_days]
    parts = whole.groupby(np.arange(len(whole)) // every_days).sum()
    ends = whole.index[every_days - 1 :: every_days]
    axes = axes_for(ax)
    axes.plot(ends, parts["actual"], color=INK, label="actual")
    axes.plot(ends, parts["expected"], color=MODEL, linestyle="--", label="expected")
    axes.set_title(f"Repeat purchases every {every_days} days, {title_of(model.name)}")
    return _dated(axes, days, cutoff, f"repeat purchases in {every_days} days")


def holdout_by_frequency(
    frequency: npt.ArrayLike,
    purchases: npt.ArrayLike,
    expected: Mapping[str, npt.ArrayLike],
    most: int = 7,
    ax: Axes | None = None,
) -> Axes:
    """Mean purchases in the held-out window by repeat purchases before it, and what each model expected.

    Args:
        frequency: repeat purchases before the cut-off, one per customer.
        purchases: purchases in the window after it.
        expected: what each model expected, by its name.
        most: the last group is for this many or more.
        ax: axes to draw on.

    >>> import customer_revenue as cr
    >>> axes = cr.plots.holdout_by_frequency([0, 0, 1, 2], [0, 1, 2, 2], {"guess": [1, 1, 1, 1]}, most=2)
    >>> axes.lines[0].get_ydata().tolist(), axes.lines[1].get_ydata().tolist()
    ([0.5, 2.0, 2.0], [1.0, 1.0, 1.0])
    """
    group = np.minimum(np.asarray(frequency, dtype=int), most)
    there = np.unique(group)

    def means(values: npt.ArrayLike) -> list[float]:
        array = np.asarray(values, dtype=float)
        return [float(array[group == n].mean()) for n in there]

    axes = axes_for(ax)
    axes.plot(there, means(purchases), color=INK, marker="o", label="actual")
    for place, (name, values) in enumerate(expected.items()):
        axes.plot(there, means(values), color=COLOURS[place % len(COLOURS)], marker="o", linestyle="--", label=name)
    axes.set_xticks(there, [f"{n}+" if n == most else str(n) for n in there])
    axes.set(xlabel="repeat purchases before the cut-off", ylabel="mean purchases after it")
    axes.set_title("Purchases of the held-out window")
    axes.legend(frameon=False)
    return axes


def _day_by_day(model: FittedModel, daily: pd.DataFrame) -> pd.DataFrame:
    """``actual`` and ``expected`` repeat purchases of every day: newcomers times what each age brings."""
    every_day = pd.date_range(daily["day"].min(), daily["day"].max(), freq="D")
    frame = daily.set_index(pd.DatetimeIndex(daily["day"]))[["new_customers", "repeat_purchases"]]
    frame = frame.reindex(every_day, fill_value=0)
    lengths = np.arange(len(every_day) + 1.0)
    per_day = np.diff(model.new_customer(lengths).to_numpy(), prepend=0.0)[: len(every_day)]
    expected = np.convolve(frame["new_customers"].to_numpy(dtype=float), per_day)[: len(every_day)]
    return pd.DataFrame({"actual": frame["repeat_purchases"], "expected": expected}, index=every_day)


def _dated(axes: Axes, days: pd.DataFrame, cutoff: str | None, label: str) -> Axes:
    if cutoff is not None:
        axes.axvline(pd.Timestamp(cutoff), color=MUTED, linestyle=":", linewidth=1.2, label="cut-off")  # type: ignore[arg-type]  # dates are welcome
    axes.set(xlim=(days.index[0], days.index[-1]), ylim=(0, None), ylabel=label)
    axes.tick_params(axis="x", rotation=30)
    axes.legend(frameon=False)
    return axes
