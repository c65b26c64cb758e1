"""What pymc-marketing needs to go on from a fit by MCMC: rows, priors and initial values in its own form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from customer_revenue.errors import InvalidParameter
from customer_revenue.library.fitted_probability import FittedProbability
from customer_revenue.modeling.gamma_gamma import GammaGamma
from customer_revenue.modeling.pareto_nbd import ParetoNBD
from customer_revenue.modeling.priors import Priors
from customer_revenue.modeling.purchase_models import BetaGeo, ModifiedBetaGeo

CLASSES = {BetaGeo.name: "BetaGeoModel", ModifiedBetaGeo.name: "ModifiedBetaGeoModel", ParetoNBD.name: "ParetoNBDModel"}
WEAK_SPREAD = 2.0
"""Of the prior of a parameter that has none of its own: 95 % are within 50 times or a fiftieth of the fitted value."""


@dataclass(frozen=True)
class PymcMarketing:
    """A fit in the form of ``pymc_marketing.clv``.

    Attributes:
        model_class: the name of its class for the purchases, such as ``BetaGeoModel``.
        data: one row per customer: ``customer_id``, ``frequency``, ``recency``, ``T``, and with spend
            ``monetary_value``, in the units of the rows.
        model_config: the priors of the purchase parameters: the model's own, else weak ones around the fitted values.
        initvals: the fitted purchase parameters.
        spend_config: the priors of Gamma-Gamma; empty without spend.
        spend_initvals: its fitted parameters; empty without spend.
    """

    model_class: str
    data: pd.DataFrame
    model_config: dict[str, Any]
    initvals: dict[str, float]
    spend_config: dict[str, Any]
    spend_initvals: dict[str, float]


def as_pymc_marketing(name: str, fitted: FittedProbability, table: pa.Table, priors: Priors) -> PymcMarketing:
    """A fit in the form of pymc-marketing.

    Raises:
        InvalidParameter: pymc-marketing has no such model, or the model has covariates.
    """
    if name not in CLASSES:
        raise InvalidParameter(f"pymc-marketing has no {name}: it has {', '.join(CLASSES)}", list(CLASSES))
    if fitted.rows.names:
        raise InvalidParameter("covariates are not handed over: pymc-marketing codes them in its own way")
    columns = {"frequency": "frequency", "recency_days": "recency", "T_days": "T"}
    data = pd.DataFrame({"customer_id": table.column("customer_id").to_pandas()})
    for ours, theirs in columns.items():
        data[theirs] = table.column(ours).to_numpy().astype(float)
    values = {name: float(getattr(fitted.purchases, f"{name}_")) for name in fitted.purchases.parameters}
    of_spend: dict[str, float] = {}
    if fitted.spend.p_ is not None and "monetary_cents" in table.column_names:
        data["monetary_value"] = table.column("monetary_cents").to_numpy().astype(float)
        of_spend = {name: float(getattr(fitted.spend, f"{name}_")) for name in GammaGamma.parameters}
    return PymcMarketing(CLASSES[name], data, _config(values, priors), values, _config(of_spend, priors), of_spend)


def _config(values: dict[str, float], priors: Priors) -> dict[str, Any]:
    """Log-normal priors as pymc-marketing reads them from JSON."""
    found = {}
    for name, value in values.items():
        median, spread = priors.get(name, (value, WEAK_SPREAD))
        found[name] = {"dist": "LogNormal", "kwargs": {"mu": float(np.log(median)), "sigma": float(spread)}}
    return found
