"""Which regularity a shop has: the one that its customers' histories show, if the latest window confirms it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import xlog1py, xlogy

from customer_revenue.modeling.population import Population
from customer_revenue.modeling.purchase_histories import Histories, column
from customer_revenue.modeling.rhythm_mixture import (
    RhythmMixture,
    RhythmModel,
    fitted_alike,
    fitted_rhythm,
    posterior_of,
    single_rhythm,
)
from customer_revenue.modeling.rolling_windows import Window

CUSTOMERS_FOR_REGULARITY = 50_000

LEAST_CHANCE = 1e-9


def chosen_rhythm(features: pa.Table, latest: Window | None) -> RhythmModel:
    """One k for all customers, or a mixture where their histories show it and the latest window does not speak against.

    Args:
        features: of the customers of today, or a sample of them.
        latest: the latest window, if there is one.

    Raises:
        NotEnoughData: nobody has bought twice.
    """
    histories = Histories.from_table(features).sample(CUSTOMERS_FOR_REGULARITY)
    single = single_rhythm(histories)
    found = fitted_rhythm(histories, single)
    if latest is None or not isinstance(found, RhythmMixture):
        return found
    latest = latest.sample(CUSTOMERS_FOR_REGULARITY)
    customers = Population.of(latest.features)
    bought = column(latest.labels_in_order, f"purchases_{latest.horizon_days}") > 0
    models = fitted_alike(found, customers), fitted_alike(single, customers)
    then = Histories.from_table(latest.features)
    return found if predicts_as_well(*models, then, bought, latest.horizon_days) else single


def predicts_as_well(
    mixture: RhythmModel, single: RhythmModel, histories: Histories, bought: npt.NDArray[np.bool_], horizon_days: int
) -> bool:
    """Whether the mixture's log loss of a purchase is at most a standard error above that of a single k.

    Args:
        mixture: fitted to the histories.
        single: fitted to the histories.
        histories: one row per customer.
        bought: who bought within the horizon.
        horizon_days: length of the horizon.
    """
    ours, theirs = (
        np.clip(posterior_of(model, histories).purchase_probability(horizon_days), LEAST_CHANCE, 1 - LEAST_CHANCE)
        for model in (mixture, single)
    )
    worse = xlogy(bought, theirs / ours) + xlog1py(~bought, -theirs) - xlog1py(~bought, -ours)
    return bool(worse.mean() <= worse.std() / np.sqrt(len(worse)))
