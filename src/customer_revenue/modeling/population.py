"""Sufficient statistics of all customers for the probability models: their size does not grow with the customers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa

from customer_revenue.arrays import Floats
from customer_revenue.modeling.gamma_gamma import GammaGamma
from customer_revenue.modeling.purchase_histories import Histories, column
from customer_revenue.tables import FEATURE_COLUMNS


@dataclass(frozen=True)
class Population:
    """Customers as of a day.

    Likelihoods need only the distinct histories and spends with their counts, so fits are exact at any size; what is
    costlier is learned from the sample.
    """

    customers: int
    total_cents: float
    refund_cents: float
    histories: Histories
    """Distinct (frequency, recency, T), or one row per customer."""
    spend_days: Floats
    spend_cents: Floats
    spend_weights: Floats
    """Distinct (days with spend after the first, mean spend), and how many customers share each."""
    sample: pa.Table
    """Feature rows of some customers, or of all."""

    @classmethod
    def of(cls, features: pa.Table) -> Self:
        """The customers of a table of features, all of them in the sample."""
        return cls(
            customers=features.num_rows,
            total_cents=float(column(features, "total_cents").sum()),
            refund_cents=float(column(features, "refund_cents").sum()),
            histories=Histories.from_table(features),
            spend_days=column(features, "spend_days"),
            spend_cents=column(features, "monetary_cents"),
            spend_weights=np.ones(features.num_rows),
            sample=features,
        )

    @classmethod
    def nobody(cls) -> Self:
        """No customer at all."""
        names = {name: pa.array([], pa.string() if name == "customer_id" else pa.float64()) for name in FEATURE_COLUMNS}
        return cls.of(pa.table(names))

    @classmethod
    def counted(cls, totals: pa.Table, histories: pa.Table, spends: pa.Table, sample: pa.Table) -> Self:
        """Customers that an engine counted.

        Args:
            totals: one row of ``customers``, ``total_cents`` and ``refund_cents``.
            histories: distinct ``frequency``, ``recency_days`` and ``T_days``; ``weights``, the customers that share
                them; ``log_gap_sum``, their mean.
            spends: distinct ``spend_days`` and ``monetary_cents``, and ``weights``.
            sample: feature rows of some of them.
        """
        (row,) = totals.to_pylist()
        return cls(
            customers=row["customers"],
            total_cents=float(row["total_cents"] or 0),
            refund_cents=float(row["refund_cents"] or 0),
            histories=Histories.from_table(histories),
            spend_days=column(spends, "spend_days"),
            spend_cents=column(spends, "monetary_cents"),
            spend_weights=column(spends, "weights"),
            sample=sample,
        )

    @property
    def purchase_days(self) -> float:
        """Days with a purchase, added up over the customers."""
        return float(self.histories.weights @ (self.histories.frequency + 1))

    @property
    def repeats(self) -> int:
        """Customers who have bought on two days."""
        return int(self.histories.weights[self.histories.frequency > 0].sum())

    def fitted_spend(self) -> GammaGamma:
        """Gamma-Gamma, fitted to all."""
        return GammaGamma().fit(self.spend_days, self.spend_cents, self.spend_weights)
