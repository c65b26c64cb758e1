"""The cut-offs of a rolling-origin back-test."""

from __future__ import annotations

import datetime as dt


def fold_cutoffs(first_day: dt.date | None, last_day: dt.date, number: int, horizon_days: int) -> list[dt.date]:
    """Cut-offs back from the end, a horizon apart or closer where the history is short; earliest first.

    Empty where the history is not longer than the horizon.

    Args:
        first_day: of the orders; None for none.
        last_day: with which the horizon of the last cut-off ends.
        number: of cut-offs.
        horizon_days: that is predicted from each.

    >>> [str(day) for day in fold_cutoffs(dt.date(2023, 1, 1), dt.date(2023, 12, 31), 2, 90)]
    ['2023-07-26', '2023-10-02']
    """
    if first_day is None or (room := (last_day - first_day).days - horizon_days) < 1:
        return []
    latest = last_day - dt.timedelta(days=horizon_days)
    step = min(horizon_days, room // (2 * number))
    return [latest - dt.timedelta(days=step * back) for back in range(number - 1, -1, -1) if step or not back]
