"""The forecast of the shop on rolling month ends, beside simpler ones, trained on the past only.

    python -m benchmarks.forecast CDNOW_master.txt --ends 1997-09-30 1997-12-31
    python -m benchmarks.forecast online_retail.parquet --ends 2011-05-31 2011-08-31 --quick

At each end the models are trained as ``customer-revenue train`` trains them (``--quick``: the probability models only),
and the next months are compared with what came: mean absolute error and bias as shares of the mean month, and how many
months lay in the 80 % band. Where statsmodels is installed, its ETS is a rival, too; it is not a dependency.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import json
import warnings
from pathlib import Path

import numpy as np

import customer_revenue as cr
from customer_revenue.actions.forecast import month_ends
from customer_revenue.arrays import Floats
from customer_revenue.modeling.shop_history import month_ends_around
from customer_revenue.periods import MONTHS_PER_YEAR
from customer_revenue.revenue.daily_cohorts import daily_cohorts
from customer_revenue.tables import day_literal
from customer_revenue.workflows.known_tables import known_at

HORIZON_DAYS = 365
RIVALS = ("ours", "mean of three", "year before", "ETS")


def actual_months(orders: cr.Orders, end: dt.date, months: int) -> tuple[Floats, Floats, Floats]:
    """Revenue of the months before an end, and of those after it: of all, and of those known at the end."""
    store = orders.store
    rows = store.fetch(daily_cohorts(known_at(store, store.as_of(None)), day_literal(end)))
    day, cents = rows["day"].to_numpy().astype("datetime64[D]"), rows["revenue_cents"].to_numpy().astype(np.float64)
    known = rows["cohort"].to_numpy() <= end.year * MONTHS_PER_YEAR + end.month - 1
    first = day.min().astype(dt.date)
    before = (end.year - first.year) * MONTHS_PER_YEAR + end.month - first.month + (first.day <= end.day)
    ends = month_ends_around(end, max(before, 1), months)
    month = np.searchsorted(ends, day) - 1
    inside = (month >= 0) & (month < len(ends) - 1)
    total = np.bincount(month[inside], cents[inside], len(ends) - 1)
    of_known = np.bincount(month[inside & known], cents[inside & known], len(ends) - 1)
    split = (total[:-months], total[-months:], of_known[-months:])
    return split[0].astype(np.float64), split[1].astype(np.float64), split[2].astype(np.float64)


def ets(past: Floats, months: int) -> Floats:
    """The ETS model of least AICc on logarithms; NaN without statsmodels."""
    try:
        ets_model = importlib.import_module("statsmodels.tsa.exponential_smoothing.ets").ETSModel
    except ImportError:
        return np.full(months, np.nan)
    logs, fits = np.log(np.maximum(past, 1.0)), []
    for trend, season, least in ((None, None, 3), ("add", None, 6), (None, "add", 24), ("add", "add", 24)):
        if len(logs) >= least:
            model = ets_model(logs, trend=trend, damped_trend=bool(trend), seasonal=season, seasonal_periods=12)
            fits.append(model.fit(disp=False))
    best = min(fits, key=lambda fit: fit.aicc if np.isfinite(fit.aicc) else fit.aic)
    return np.asarray(np.exp(np.asarray(best.forecast(months), np.float64)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--ends", nargs="+", type=dt.date.fromisoformat, required=True)
    parser.add_argument("--months", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    options = cr.ModelOptions(learned=False, regularity=1) if arguments.quick else None
    came, came_known, ours_known, inside = (list[float]() for _ in range(4))
    forecasts: dict[str, list[float]] = {name: [] for name in RIVALS}
    written: list[dict[str, object]] = []
    with cr.load_orders(arguments.file) as orders:
        last = orders.info.last_day
        for end in arguments.ends:
            path = (
                cr.CustomerModel(HORIZON_DAYS, options=options)
                .fit(orders, as_of=end)
                .forecast(orders, arguments.months)
            )
            past, total, known = actual_months(orders, end, arguments.months)
            over = sum(last is not None and day <= last for day in month_ends(end, arguments.months))
            year_before = (
                np.resize(past[-MONTHS_PER_YEAR:], arguments.months) if len(past) >= 12 else past[-1:].repeat(3)
            )
            rivals = {
                "ours": path["total_revenue_cents"].to_numpy(),
                "mean of three": np.full(arguments.months, past[-3:].mean()),
                "year before": np.resize(year_before, arguments.months),
                "ETS": ets(past, arguments.months),
            }
            for name, values in rivals.items():
                forecasts[name] += values[:over].tolist()
            written.append({"end": str(end), "past": past.tolist(), "came": total[:over].tolist()})
            came += total[:over].tolist()
            came_known += known[:over].tolist()
            ours_known += path["known_revenue_cents"].tolist()[:over]
            low, high = path["total_low_cents"].to_numpy(), path["total_high_cents"].to_numpy()
            inside += ((low <= total) & (total <= high))[:over].tolist()
            print(end, (path["total_revenue_cents"].to_numpy()[:over] / total[:over]).round(2), flush=True)
    if arguments.write:
        arguments.write.write_text(json.dumps(written), "utf-8")
    for name, found in forecasts.items():
        print(f"{name:20}{_figures(np.array(found), np.array(came))}")
    print(f"{'ours, known':20}{_figures(np.array(ours_known), np.array(came_known))}")
    print(f"{sum(inside):.0f} of {len(inside)} months inside the 80 % band")


def _figures(forecast: Floats, came: Floats) -> str:
    error = (forecast - came) / came.mean()
    return f"MAE {np.abs(error).mean():7.1%}  bias {error.mean():+7.1%}"


if __name__ == "__main__":
    main()
