"""Public holidays of a country or of a part of it, from the package holidays."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from customer_revenue.errors import InvalidParameter

PLACE = r"^([A-Z]{2}(-[A-Z0-9]{1,3})?)?$"
"""An ISO 3166 code of a country, perhaps with that of a part of it, such as DE-BY; empty for none."""


@lru_cache(maxsize=16)
def public_holidays(place: str, first: dt.date, last: dt.date) -> frozenset[dt.date]:
    """The public holidays between two days, both included.

    Args:
        place: an ISO 3166 code as :data:`PLACE` has them; without one there are none.
        first: the first day.
        last: the last day.

    Raises:
        InvalidParameter: no holidays are known for the place.

    >>> sorted(map(str, public_holidays("GB-ENG", dt.date(2011, 8, 1), dt.date(2011, 12, 31))))
    ['2011-08-29', '2011-12-25', '2011-12-26', '2011-12-27']
    """
    if not place:
        return frozenset()
    import holidays  # it takes a moment, and most shops name no country

    country, _, part = place.partition("-")
    try:
        days = holidays.country_holidays(country, subdiv=part or None, years=range(first.year, last.year + 1))
    except NotImplementedError:
        raise InvalidParameter(
            f"no public holidays are known for {place}; use an ISO 3166 code such as GB or DE-BY"
        ) from None
    return frozenset(day for day in days if first <= day <= last)
