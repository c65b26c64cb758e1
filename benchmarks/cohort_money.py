"""Money by cohort: the cells that are not over yet, predicted, beside the ratio of the last cohort that was.

    python -m benchmarks.cohort_money online-retail --days 90 180
    python -m benchmarks.cohort_money grocery

At the end of every month, the cumulative net revenue per customer within some days is predicted for each month of
acquisition that was known but had not reached that age, and compared with what came. The rival takes what the cohort
had brought at the last age that all its customers had reached, times by how much the last cohort that had got so far
grew from that age on. Cells are weighed by their customers.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from pathlib import Path

import numpy as np

import customer_revenue as cr
from benchmarks.new_customers import month_ends_between, shop_file
from customer_revenue.arrays import Floats
from customer_revenue.modeling.cohort_money import CohortMoney
from customer_revenue.modeling.new_customer_value import AGE_ENDS
from customer_revenue.workflows.customer_base.cohort_curves import money_of_cohorts


def hidden_cells(past: CohortMoney, now: CohortMoney, days: int, least: int) -> Floats:
    """Rows of customers, what came, ours, the ends of our band and the rival's; NaN where the rival has no answer."""
    age, rows = AGE_ENDS.index(days), []
    low, high = past.band
    done = np.nonzero(past.complete[:, age])[0]
    for cohort in range(len(past.customers)):
        if past.complete[cohort, age] or not now.complete[cohort, age] or past.customers[cohort] < least:
            continue
        reached = np.nonzero(past.complete[cohort])[0]
        ratio = np.nan
        if len(done) and len(reached):
            before = past.cumulative[done[-1], reached[-1]]
            ratio = past.cumulative[cohort, reached[-1]] * past.cumulative[done[-1], age] / before
        ours = (past.cumulative[cohort, age], low[cohort, age], high[cohort, age])
        rows.append((past.customers[cohort], now.cumulative[cohort, age], *ours, ratio))
    return np.array(rows).reshape(-1, 6)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="of orders, or one of cdnow, online-retail and grocery")
    parser.add_argument("--days", nargs="+", type=int, default=[90, 180], choices=AGE_ENDS)
    parser.add_argument("--least", type=int, default=10, help="customers of a cohort that counts")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder, cr.load_orders(shop_file(arguments.file, Path(folder))) as orders:
        first, last = orders.info.first_day, orders.info.last_day
        assert first is not None
        assert last is not None
        now = money_of_cohorts(orders.store, orders.store.as_of(last))
        pasts = [money_of_cohorts(orders.store, orders.store.as_of(end)) for end in month_ends_between(first, last)]
        for days in arguments.days:
            cells = np.concatenate([hidden_cells(past, now, days, arguments.least) for past in pasts])
            customers, came, ours, low, high, rival = cells.T
            inside = int(((low <= came) & (came <= high)).sum())
            print(f"{days} days: {len(cells)} cells, {inside} inside the 80 % band")
            both = np.isfinite(rival)
            for name, forecast, which in (
                ("ours, all", ours, np.ones(len(cells), bool)),
                ("ours, with a rival", ours, both),
                ("last cohort's ratio", rival, both),
            ):
                if which.any():
                    weight = customers[which] / (customers[which] @ came[which])
                    error = forecast[which] - came[which]
                    print(
                        f"  {name:20} n={which.sum():3} MAE {weight @ np.abs(error):6.1%} bias {weight @ error:+6.1%}"
                    )


if __name__ == "__main__":
    main()
