"""pymc-marketing as in its CLV quick-start: BG/NBD and Gamma-Gamma with the default priors, sampled by NUTS."""

from __future__ import annotations

import pandas as pd
from pymc_marketing import clv
from rival_contract import run

FUTURES = 10
"""Each tenth draw is kept for predictions, by ``thin_fit_result``, as the documentation advises for many customers."""


def forecast(orders: pd.DataFrame, cutoff: pd.Timestamp, horizon: int, method: str = "mcmc") -> pd.DataFrame:
    rfm = clv.utils.rfm_summary(
        orders,
        customer_id_col="customer_id",
        datetime_col="date",
        monetary_value_col="amount",
        observation_period_end=cutoff,
        time_unit="D",
    )
    options = {"random_seed": 0, "progressbar": False} if method == "mcmc" else {"progressbar": False}
    purchases = clv.BetaGeoModel()
    purchases.fit(data=rfm, method=method, **options)
    returning = rfm[rfm["frequency"] > 0]
    spend = clv.GammaGammaModel()
    spend.fit(data=returning, method=method, **options)
    if method == "mcmc":
        purchases, spend = purchases.thin_fit_result(FUTURES), spend.thin_fit_result(FUTURES)
    draws = ("chain", "draw")
    expected = purchases.expected_purchases(data=rfm, future_t=horizon).mean(draws).to_numpy()
    none = purchases.expected_probability_no_purchase(t=horizon, data=rfm).mean(draws).to_numpy()
    value = spend.expected_customer_spend(data=rfm).mean(draws).to_numpy()
    return pd.DataFrame(
        {
            "customer_id": rfm["customer_id"],
            "purchases": expected,
            "revenue": expected * value,
            "probability": (1 - none).clip(0, 1),
        }
    )


if __name__ == "__main__":
    run(forecast)
