"""LightGBM with its default parameters, from features of one horizon earlier to what happened: three models."""

from __future__ import annotations

import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from rival_contract import run, windows


def forecast(orders: pd.DataFrame, cutoff: pd.Timestamp, horizon: int) -> pd.DataFrame:
    before, happened, now = windows(orders, cutoff, horizon)
    bought = LGBMClassifier(verbosity=-1).fit(before, happened["purchases"] > 0)
    purchases = LGBMRegressor(objective="poisson", verbosity=-1).fit(before, happened["purchases"])
    revenue = LGBMRegressor(objective="tweedie", verbosity=-1).fit(before, happened["revenue"])
    return pd.DataFrame(
        {
            "customer_id": now.index,
            "purchases": purchases.predict(now),
            "revenue": revenue.predict(now),
            "probability": bought.predict_proba(now)[:, 1],
        }
    )


if __name__ == "__main__":
    run(forecast)
