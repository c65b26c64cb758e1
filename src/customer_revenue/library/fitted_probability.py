"""What the fit of a probability model has found, and its state as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from customer_revenue.arrays import Floats
from customer_revenue.library.covariate_rows import CovariateRows
from customer_revenue.modeling.cautions import Caution
from customer_revenue.modeling.count_distribution import PurchaseModel
from customer_revenue.modeling.gamma_gamma import GammaGamma
from customer_revenue.modeling.pareto_nbd import ParetoNBD
from customer_revenue.modeling.purchase_histories import Histories
from customer_revenue.modeling.purchase_models import BetaGeo, ModifiedBetaGeo, ModifiedBetaGeoCNBDk
from customer_revenue.modeling.uncertainty import Estimate

KINDS: Mapping[str, type[ModifiedBetaGeoCNBDk | ParetoNBD]] = {
    kind.name: kind for kind in (BetaGeo, ModifiedBetaGeo, ModifiedBetaGeoCNBDk, ParetoNBD)
}


@dataclass(frozen=True)
class FittedProbability:
    """The fitted models of purchases and spend.

    ``covariance`` is that of the logarithms of the purchase model's parameters, and of its effects, which come last;
    ``spend_covariance`` that of the logarithms of the spend model's, if it has any. ``histories`` are those of the fit,
    which a loaded model does not have.
    """

    purchases: PurchaseModel
    covariance: Floats
    spend: GammaGamma
    spend_covariance: Floats | None
    parameters: pd.DataFrame
    cautions: list[Caution]
    rows: CovariateRows
    histories: Histories | None = None

    @property
    def has_spend(self) -> bool:
        """Whether the rows of the fit had spends."""
        return self.spend.problem_ != "not fitted"

    def to_state(self) -> dict[str, Any]:
        """The fit as JSON-able values."""
        penalizers = {"purchases": self.purchases.penalizer_, "spend": self.spend.penalizer_}
        return {
            "purchases": self.purchases.to_state(),
            "spend": self.spend.to_state(),
            "penalizers_in_use": penalizers,
            "covariance": self.covariance.tolist(),
            "spend_covariance": None if self.spend_covariance is None else self.spend_covariance.tolist(),
            "parameters": self.parameters.reset_index().to_dict("records"),
            "cautions": [vars(caution) for caution in self.cautions],
            **self.rows.to_state(),
        }

    @classmethod
    def from_state(cls, name: str, state: Mapping[str, Any]) -> FittedProbability:
        """The fit that :meth:`to_state` wrote, of a model of this name."""
        purchases, spend = KINDS[name].from_state(state["purchases"]), GammaGamma.from_state(state["spend"])
        in_use, of_spend = state["penalizers_in_use"], state["spend_covariance"]
        purchases.penalizer_, spend.penalizer_ = in_use["purchases"], in_use["spend"]
        return cls(
            purchases,
            np.asarray(state["covariance"], dtype=np.float64),
            spend,
            None if of_spend is None else np.asarray(of_spend, dtype=np.float64),
            pd.DataFrame(state["parameters"]).set_index("parameter"),
            [Caution(**caution) for caution in state["cautions"]],
            CovariateRows.from_state(state),
        )


def parameter_frame(estimates: list[Estimate]) -> pd.DataFrame:
    """Estimates as a frame, one row per parameter."""
    columns = ("value", "standard_error", "low", "high")
    rows = {e.name: [getattr(e, name) for name in columns] for e in estimates}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(columns)).rename_axis("parameter")
