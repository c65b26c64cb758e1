"""A correction that another one builds on has not seen the rows that it corrects."""

from __future__ import annotations

import numpy as np

from customer_revenue.modeling.boosters import OffsetBooster
from customer_revenue.modeling.fit_ensemble import cross_fitted


def test_noise_teaches_a_customers_own_rows_nothing() -> None:
    rng = np.random.default_rng(4)
    customers = np.repeat([f"c{i}" for i in range(1_000)], 3)
    X = np.repeat(rng.normal(size=(1_000, 6)), 3, axis=0)
    purchases = np.repeat(rng.poisson(0.3, 1_000), 3).astype(np.float64)
    base, weight = np.full(len(X), np.log(0.3)), np.ones(len(X))
    seen = OffsetBooster("poisson", 40, seed=1).fit(X, purchases, base, weight).correction(X)
    unseen = cross_fitted(X, purchases, base, weight, customers, seed=1, trees=40)
    assert np.corrcoef(seen, purchases)[0, 1] > 0.4
    assert abs(np.corrcoef(unseen, purchases)[0, 1]) < 0.1
