"""Public holidays and other days on which the shop is closed: ``closed_days`` and ``country`` of the policy's feed.

A day without orders that is neither is reported as missing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import pandas as pd

MAX_CLOSED_DAYS = 1
"""Maximum number of days before or after a holiday on which the shop may be closed as well."""


def days_near_holidays(holidays: Collection[dt.date]) -> set[pd.Timestamp]:
    """The holidays and the days next to them: neither measured against the usual days nor counted among them."""
    shifts = [pd.Timedelta(days=n) for n in range(-MAX_CLOSED_DAYS, MAX_CLOSED_DAYS + 1)]
    return {pd.Timestamp(day) + shift for day in holidays for shift in shifts}
