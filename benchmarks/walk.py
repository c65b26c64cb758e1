"""Run the schedule through Online Retail month by month: champion, predicted and realised totals, alarms.

    python -m benchmarks.walk path/to/online_retail.parquet
    python -m benchmarks.walk path/to/online_retail.parquet --break prices --accept-from 2011-10-31
    python -m benchmarks.walk path/to/online_retail.parquet --break customers

The break is on 19 September: prices triple, or a fifth of the customers never come back.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
import warnings
from pathlib import Path

from tests.trust.walk import Month, alarms, last_look, month_ends, of_day, row, walk

BREAKS = {
    "none": "",
    "prices": """
        SELECT * REPLACE (CASE WHEN InvoiceDate >= DATE '2011-09-19' THEN 3 ELSE 1 END * UnitPrice AS UnitPrice)
        FROM ({part})
    """,
    "customers": """
        SELECT * FROM ({part})
        WHERE InvoiceDate < DATE '2011-09-19' OR CustomerID IS NULL OR CustomerID::BIGINT % 5 <> 0
           OR CustomerID NOT IN
              (SELECT CustomerID FROM lines WHERE InvoiceDate < DATE '2011-09-19' AND CustomerID IS NOT NULL)
    """,
}
HEAD = f"""\
{"":27}{"purchases":>14}{"revenue":>22}
{"month end":12}{"champion":14}{"pred.":>8}{"came":>7}{"pred.":>11}{"came":>11}  alarms"""
LAST_DAY = dt.date(2011, 12, 9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", type=Path)
    parser.add_argument("--break", dest="planted", choices=BREAKS, default="none")
    parser.add_argument("--first", type=dt.date.fromisoformat, default=dt.date(2011, 3, 31))
    parser.add_argument("--last", type=dt.date.fromisoformat, default=dt.date(2011, 10, 31))
    parser.add_argument("--accept-from", type=dt.date.fromisoformat, help="day from which new amounts are accepted")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    change = BREAKS[arguments.planted]
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory(prefix="customer-revenue-walk-") as temporary:
        folder = Path(temporary)
        previous: Month | None = None
        days = month_ends(arguments.first, arguments.last)
        for month in walk(arguments.lines, folder, days, change, arguments.accept_from):
            if previous is not None:
                print(row(previous, month.realised), flush=True)
            previous = month
        assert previous is not None
        found = last_look(arguments.lines, folder, previous.day, LAST_DAY, change)
        print(row(previous, of_day(found.groups, previous.day)), flush=True)
        print(f"{LAST_DAY}  last look: {alarms(found)}", flush=True)


if __name__ == "__main__":
    main()
