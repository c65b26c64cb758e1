"""panelclv as in its README: the LSTM on a panel of weeks, 600 simulated futures; it forecasts purchases alone.

Its README tunes with 30 trials of up to 150 epochs; here it is one trial, for the time. Weeks are counted back from the
cut-off, and the days of the horizon's last week that are beyond it are left out by their share.
"""

from __future__ import annotations

import tempfile

import numpy as np
import optuna
import pandas as pd
from panelclv.configs.panel_config import PanelConfig
from panelclv.data_preparation import dynamic_panel_dataset
from panelclv.experiments import build_inference_from_trial, make_data_builder
from panelclv.models import mc_forecast
from panelclv.tuning import run_optuna_study
from rival_contract import run
from sklearn.model_selection import train_test_split

WEEK = 7
MOST = 6
"""Purchase days a week that are told apart, as in the README."""
FUTURES = 600
START = pd.Timestamp("2001-01-01")
"""Weeks are counted from here: panelclv counts those of each year from 1 January."""
WEEKS_A_YEAR = 52


def weeks_of(orders: pd.DataFrame, cutoff: pd.Timestamp) -> tuple[pd.DataFrame, int]:
    """Purchase days by customer and week before the cut-off, week 0 the earliest, and the number of weeks."""
    ago = (cutoff - orders["date"]).dt.days // WEEK
    number = int(ago.max()) + 1
    counts = orders.assign(week=number - 1 - ago).groupby(["customer_id", "week"])["date"].nunique()
    return counts.unstack(fill_value=0).reindex(columns=range(number), fill_value=0), number


def forecast(orders: pd.DataFrame, cutoff: pd.Timestamp, horizon: int) -> pd.DataFrame:
    known, number = weeks_of(orders, cutoff)
    ahead = -(-horizon // WEEK)
    wide = known.reindex(columns=range(number + ahead), fill_value=0)
    panel = wide.stack().rename("Transactions").rename_axis(["Id", "period"]).reset_index()
    panel["year"], panel["week"] = START.year + panel["period"] // WEEKS_A_YEAR, panel["period"] % WEEKS_A_YEAR

    def start(period: int) -> str:
        year, week = divmod(period, WEEKS_A_YEAR)
        return str((pd.Timestamp(f"{START.year + year}-01-01") + pd.Timedelta(days=WEEK * week)).date())

    config = PanelConfig(
        id_col="Id",
        target_col="Transactions",
        frequency="weekly",
        training_start=start(0),
        training_end=start(number - 1),
        holdout_start=start(number),
        holdout_end=start(number + ahead - 1),
        time_cols=("year", "week"),
        clip_target_upper=MOST,
        embedded_cols={"Transactions": "auto"},  # the README's own call names none, which its model refuses
    )
    # Ids are numbers to panelclv, which checks that what it is given is numeric.
    names = list(known.index)
    panel["Id"] = panel["Id"].map({name: place for place, name in enumerate(names)})
    data = dynamic_panel_dataset.prepare_dataset(panel, config, verbose=False)
    train, validate = train_test_split(np.arange(data["N"]), test_size=0.1, random_state=42)
    with tempfile.TemporaryDirectory() as folder:
        study = run_optuna_study(
            model_type="lstm",
            data_builder=make_data_builder(data, train, validate),
            data_info={"n_epochs": 150, "patience": 7, "checkpoint_dir": folder, "loss_type": "cross_entropy"},
            n_trials=1,
            sampler=optuna.samplers.TPESampler(seed=42),
            summary_dir=folder,
        )
        model, best = build_inference_from_trial(study, data, "lstm")
    found = mc_forecast(model, best, n_simulations=FUTURES, seed=42)
    weights = np.ones(ahead)
    weights[-1] = 1 - (ahead * WEEK - horizon) / WEEK
    rng = np.random.default_rng(42)
    futures = found["simulations"].astype(np.int64)
    futures[..., -1] = rng.binomial(futures[..., -1], weights[-1])
    totals = futures.sum(axis=2)
    low, median, high = np.quantile(totals, (0.1, 0.5, 0.9), axis=0, method="inverted_cdf")
    return pd.DataFrame(
        {
            "customer_id": [names[place] for place in best["ids"]],
            "purchases": totals.mean(axis=0),
            "probability": (totals > 0).mean(axis=0),
            "purchases_low": low,
            "purchases_median": median,
            "purchases_high": high,
        }
    )


if __name__ == "__main__":
    run(forecast)
