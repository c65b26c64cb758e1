"""lifetimes as in its quick-start: BG/NBD and Gamma-Gamma without a penalty.

It has no conditional probability of a purchase for BG/NBD, and no intervals.
"""

from __future__ import annotations

import pandas as pd
from lifetimes import BetaGeoFitter, GammaGammaFitter
from lifetimes.utils import summary_data_from_transaction_data
from rival_contract import run


def forecast(orders: pd.DataFrame, cutoff: pd.Timestamp, horizon: int) -> pd.DataFrame:
    rfm = summary_data_from_transaction_data(
        orders, "customer_id", "date", monetary_value_col="amount", observation_period_end=cutoff
    )
    purchases = BetaGeoFitter(penalizer_coef=0.0).fit(rfm["frequency"], rfm["recency"], rfm["T"])
    returning = rfm[rfm["frequency"] > 0]
    spend = GammaGammaFitter(penalizer_coef=0).fit(returning["frequency"], returning["monetary_value"])
    expected = purchases.conditional_expected_number_of_purchases_up_to_time(
        horizon, rfm["frequency"], rfm["recency"], rfm["T"]
    )
    value = spend.conditional_expected_average_profit(rfm["frequency"], rfm["monetary_value"])
    return pd.DataFrame({"customer_id": rfm.index, "purchases": expected, "revenue": expected * value})


if __name__ == "__main__":
    run(forecast)
