"""The naive rule: what customers of the same decile of silence did in the horizon before, on average."""

from __future__ import annotations

import numpy as np
import pandas as pd
from rival_contract import run, windows

DECILES = 10


def forecast(orders: pd.DataFrame, cutoff: pd.Timestamp, horizon: int) -> pd.DataFrame:
    before, happened, now = windows(orders, cutoff, horizon)
    edges = np.unique(np.quantile(before["silence"], np.linspace(0, 1, DECILES + 1)[1:-1]))
    then, today = (np.searchsorted(edges, rows["silence"], side="left") for rows in (before, now))
    means = happened.assign(probability=happened["purchases"] > 0).groupby(then).mean()
    return means.reindex(today).reset_index(drop=True).assign(customer_id=now.index)


if __name__ == "__main__":
    run(forecast)
