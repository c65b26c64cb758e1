"""clvkit as in its README: ``CLV`` on days, no discount. It has no probability of a purchase, and no intervals."""

from __future__ import annotations

import pandas as pd
from clvkit import CLV, CustomerBase
from rival_contract import run


def forecast(orders: pd.DataFrame, cutoff: pd.Timestamp, horizon: int) -> pd.DataFrame:
    base = CustomerBase.from_transactions(orders, observation_period_end=cutoff)
    found = CLV().fit(base).predict(horizon=horizon).to_pandas()
    return pd.DataFrame({"customer_id": found.index, "purchases": found["expected_purchases"], "revenue": found["clv"]})


if __name__ == "__main__":
    run(forecast)
