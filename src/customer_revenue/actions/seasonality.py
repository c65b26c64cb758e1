"""Trend and seasonality of a history of monthly revenue, by statistical tests."""

from __future__ import annotations

import calendar
from collections.abc import Sequence

import numpy as np

from customer_revenue.policy import ForecastRules

NOT_ENOUGH = "not enough history"


def trend(revenue_cents: Sequence[int], policy: ForecastRules) -> dict[str, object]:
    """The trend of full months, oldest first: Theil and Sen's slope, and the Mann-Kendall test of it.

    Returns:
        ``direction`` (``rising``, ``falling``, ``steady``, or ``not enough history``), ``change_cents_per_month`` (the
        median of all slopes between two months) and ``p_value`` (the chance of such a trend where there is none); the
        last two are null without enough history.

    >>> from customer_revenue.policy import load_policy
    >>> trend([100, 200, 300, 400, 500, 600], load_policy().forecast)["direction"]
    'rising'
    """
    if len(revenue_cents) < policy.trend_from_months:
        return {"direction": NOT_ENOUGH, "change_cents_per_month": None, "p_value": None}
    from scipy import stats  # only where it is needed: it takes 31 MB

    months = np.arange(len(revenue_cents))
    slope = float(stats.theilslopes(revenue_cents, months)[0])
    p_value = 1.0 if len(set(revenue_cents)) == 1 else float(stats.kendalltau(months, revenue_cents).pvalue)
    direction = "steady"
    if p_value < policy.significance:
        direction = "rising" if stats.kendalltau(months, revenue_cents).statistic > 0 else "falling"
    return {"direction": direction, "change_cents_per_month": round(slope), "p_value": round(p_value, 6)}


def seasonality(revenue_cents: Sequence[int], first_month: int, policy: ForecastRules) -> dict[str, object]:
    """Whether calendar months differ, once the trend is taken out: the Kruskal-Wallis test.

    Args:
        revenue_cents: revenue of full months, oldest first.
        first_month: calendar month of the first, 1 to 12.
        policy: minimum history, significance level.

    Returns:
        ``found`` (true, false, or ``not enough history``), ``p_value`` and ``strongest_month`` (its name, where found).
    """
    if len(revenue_cents) < policy.seasons_from_months:
        return {"found": NOT_ENOUGH, "p_value": None, "strongest_month": None}
    from scipy import stats

    values = np.asarray(revenue_cents, np.float64)
    months = np.arange(len(values))
    rest = values - stats.theilslopes(values, months)[0] * months
    groups = [rest[(first_month - 1 + months) % 12 == month] for month in range(12)]
    p_value = 1.0 if np.ptp(rest) == 0 else float(stats.kruskal(*groups).pvalue)
    found = p_value < policy.significance
    strongest = calendar.month_name[int(np.argmax([np.median(group) for group in groups])) + 1]
    return {"found": found, "p_value": round(p_value, 6), "strongest_month": strongest if found else None}
