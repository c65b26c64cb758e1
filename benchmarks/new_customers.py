"""The value of customers to be won, predicted before they were seen, beside simpler rules.

    python -m benchmarks.new_customers online-retail --days 30 90 180 --ltv
    python -m benchmarks.new_customers cdnow

At the end of every month, the mean net revenue of the next month's new customers within some days is predicted, and
compared with what came: mean absolute error and bias as shares of the mean value, and how often it lay in the 80 %
interval. The rivals know as much: the mean of the last month of acquisition of which all customers had been known so
long, and 80 % of the mean lifetime value of present customers (``--ltv``; of the probability models).
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
import warnings
from pathlib import Path

import numpy as np

import customer_revenue as cr
from benchmarks.shops import TASKS
from customer_revenue.arrays import Floats
from customer_revenue.choices import FirstDayBy
from customer_revenue.modeling.new_customer_value import AGE_ENDS
from customer_revenue.periods import MONTHS_PER_YEAR, months_before
from customer_revenue.revenue.value_by_age import acquired_by_day, value_by_age
from customer_revenue.tables import day_literal
from customer_revenue.workflows.customer_base.new_customers import NewCustomers
from customer_revenue.workflows.known_tables import known_at

OLD_SHARE = 0.8
FIRST_MONTHS = 1


def value_by_cohort(orders: cr.Orders, day: dt.date, days: int) -> dict[int, tuple[float, float]]:
    """Mean net cents within some days and number of customers by month of acquisition, where all are known so long."""
    store, when = orders.store, orders.store.as_of(day)
    known, at = known_at(store, when), day_literal(day)
    import ibis

    everyone = known.counted_orders()
    levels = everyone.select(customer_id="user_id").distinct().mutate(level=ibis.literal("all"))
    acquired = store.fetch(acquired_by_day(known, levels, at)).to_pylist()
    cells = store.fetch(value_by_age(known, levels, at, AGE_ENDS, 10**6)).to_pylist()
    found = {}
    for cohort in {row["cohort"] for row in acquired}:
        own = [row for row in acquired if row["cohort"] == cohort]
        if min(row["observed_days"] for row in own) >= days:
            count = sum(row["customers"] for row in own)
            cents = sum(row["net_cents"] for row in cells if row["cohort"] == cohort and row["age_end"] <= days)
            found[cohort] = (cents / count, count)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="of orders, or one of cdnow, online-retail and grocery")
    parser.add_argument("--days", nargs="+", type=int, default=[90, 180])
    parser.add_argument("--least", type=int, default=30, help="customers of a month that counts")
    parser.add_argument("--ltv", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder, cr.load_orders(shop_file(arguments.file, Path(folder))) as orders:
        first, last = orders.info.first_day, orders.info.last_day
        assert first is not None
        assert last is not None
        ends = month_ends_between(first, last)
        ltv = {end: mean_ltv(orders, end) for end in ends} if arguments.ltv else {}
        for days in arguments.days:
            came = value_by_cohort(orders, last, days)
            rows = []
            for end in ends:
                cohort = end.year * MONTHS_PER_YEAR + end.month
                if came.get(cohort, (0.0, 0.0))[1] < arguments.least:
                    continue
                value = NewCustomers.of(orders.store, orders.store.as_of(end), FirstDayBy.ALL).value
                complete = value_by_cohort(orders, end, days)
                rule = complete[max(complete)][0] if complete else np.nan
                low, high = value.interval([days])
                ours = float(value.cumulative([days])[0, 0])
                rows.append((came[cohort][0], ours, float(low[0, 0]), float(high[0, 0]), rule, ltv.get(end, np.nan)))
                print(end, days, *(f"{cents / 100:,.2f}" for cents in rows[-1]), flush=True)
            if rows:
                report(days, np.array(rows))


def shop_file(name: str, folder: Path) -> Path:
    """The file of a shop: of a path, or of the shop of a task of :mod:`benchmarks.shops`."""
    tasks = {task.name: task for task in TASKS.values()}
    return tasks[name].write(folder, None) if name in tasks else Path(name)


def report(days: int, rows: Floats) -> None:
    """Print errors over all origins, and over those at which every rule had an answer."""
    came, ours, low, high, cohort, ltv = rows.T
    print(f"{days} days, {len(rows)} months; {int(((low <= came) & (came <= high)).sum())} inside the 80 % interval")
    rivals = {"ours": ours, "last cohort": cohort, "80 % of LTV": OLD_SHARE * ltv}
    both = np.isfinite(cohort)
    for name, forecast in rivals.items():
        for label, which in (("all", np.isfinite(forecast)), ("with a last cohort", both & np.isfinite(forecast))):
            if which.any():
                error = (forecast[which] - came[which]) / came[which].mean()
                size, bias = np.abs(error).mean(), error.mean()
                print(f"  {name:12} {label:18} n={which.sum():2} MAE {size:6.1%} bias {bias:+6.1%}")


def month_ends_between(first: dt.date, last: dt.date) -> list[dt.date]:
    """Last days of the calendar months between two days, but the first few of the history."""
    month = first.replace(day=1)
    ends = []
    while month <= last:
        month = months_before(month, -1)
        ends.append(month - dt.timedelta(days=1))
    return ends[FIRST_MONTHS - 1 : -1]


def mean_ltv(orders: cr.Orders, end: dt.date) -> float:
    """Mean lifetime value of the customers present at an end, past revenue included."""
    options = cr.ModelOptions(learned=False, regularity=1)
    model = cr.CustomerModel(options=options).fit(orders, as_of=end)
    return float(model.predict(orders)["estimated_ltv_cents"].mean())


if __name__ == "__main__":
    main()
