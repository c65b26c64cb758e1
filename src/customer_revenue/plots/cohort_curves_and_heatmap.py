"""Money by cohort: the curve of each month of acquisition, and all of them as a heat map."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from customer_revenue.plots.style import axes_for


def cohort_money(money: pd.DataFrame, most: int = 8, minor_units: int = 100, ax: Axes | None = None) -> Axes:
    """Cumulative net revenue per customer by age, a curve per month of acquisition: solid as observed, then dashed.

    Args:
        money: of ``cr.money_by_cohort``.
        most: maximum number of cohorts: the youngest months, or the groups with most customers.
        minor_units: cents in a unit of the currency, such as 1 for yen.
        ax: axes to draw on; new ones by default.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     axes = cr.plots.cohort_money(cr.money_by_cohort(cdnow, as_of="1997-06-30"))
    >>> len(axes.collections)
    3
    """
    axes = axes_for(ax)
    for cohort in _cohorts(money)[-most:]:
        own = money[money["cohort"] == cohort]
        days, middle = own["days"], own["net_revenue_cents"] / minor_units
        shown = int(own["complete"].sum())
        (line,) = axes.plot(days[:shown], middle[:shown], label=cohort)
        start = max(shown - 1, 0)
        axes.plot(days[start:], middle[start:], linestyle="--", color=line.get_color())
        axes.fill_between(
            days, own["low_cents"] / minor_units, own["high_cents"] / minor_units, alpha=0.12, color=line.get_color()
        )
    axes.set_xlabel("days since the first order")
    axes.set_ylabel("net revenue per customer")
    axes.set_title("Money by cohort; dashed as predicted, with 80 % bands")
    axes.legend(title="first order")
    return axes


def _cohorts(money: pd.DataFrame) -> list[str]:
    """Months oldest first, other groups with most customers last."""
    if money.attrs.get("by", "month") == "month":
        return sorted(money["cohort"].unique())
    sizes = money.groupby("cohort")["customers"].first()
    return [str(name) for name in sizes.sort_values(kind="stable").index]


def cohort_heatmap(money: pd.DataFrame, minor_units: int = 100, ax: Axes | None = None) -> Axes:
    """Cumulative net revenue per customer by cohort and age; what is predicted is hatched.

    Args:
        money: of ``cr.money_by_cohort``.
        minor_units: cents in a unit of the currency, such as 1 for yen.
        ax: axes to draw on; new ones by default.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     axes = cr.plots.cohort_heatmap(cr.money_by_cohort(cdnow, as_of="1997-06-30"))
    >>> axes.images[0].get_array().shape
    (3, 14)
    """
    axes = axes_for(ax)
    names = _cohorts(money)
    cells = money.pivot(index="cohort", columns="days", values="net_revenue_cents").loc[names] / minor_units
    complete = money.pivot(index="cohort", columns="days", values="complete").loc[names].to_numpy(dtype=bool)
    image = axes.imshow(cells.to_numpy(), aspect="auto", cmap="viridis")
    for row, column in zip(*np.nonzero(~complete), strict=True):
        axes.fill_between([column - 0.5, column + 0.5], row - 0.5, row + 0.5, facecolor="none", hatch="///", alpha=0.4)
    axes.set_xticks(range(len(cells.columns)), [str(days) for days in cells.columns], rotation=45)
    axes.set_yticks(range(len(cells.index)), list(cells.index))
    axes.set_xlabel("days since the first order")
    axes.set_title("Net revenue per customer; hatched as predicted")
    axes.figure.colorbar(image, ax=axes)
    return axes
