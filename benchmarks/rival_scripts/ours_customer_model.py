"""customer-revenue: ``CustomerModel`` with its defaults."""

from __future__ import annotations

import pandas as pd
from rival_contract import run

import customer_revenue as cr


def forecast(orders: pd.DataFrame, cutoff: pd.Timestamp, horizon: int) -> pd.DataFrame:
    with cr.load_orders(orders, customer="customer_id", date="date", amount="amount", as_of=cutoff.date()) as loaded:
        found = cr.CustomerModel(horizon).fit(loaded).predict(loaded)
    given = {
        "customer_id": found["customer_id"],
        "purchases": found["expected_purchases"],
        "revenue": found["expected_revenue_cents"] / 100,
        "probability": found["purchase_probability"],
    }
    for name in ("low", "median", "high"):
        given[f"purchases_{name}"] = found[f"purchases_{name}"]
        given[f"revenue_{name}"] = found[f"revenue_{name}_cents"] / 100
    return pd.DataFrame(given)


if __name__ == "__main__":
    run(forecast)
