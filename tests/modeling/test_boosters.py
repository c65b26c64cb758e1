"""Boosters that share their binned rows equal boosters that bin their own."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from customer_revenue.modeling.boosters import OffsetBooster, binned
from customer_revenue.modeling.chunks import one_blas_thread


@pytest.mark.parametrize("weighted", [False, True])
def test_boosters_that_share_binned_rows_equal_those_that_do_not(*, weighted: bool) -> None:
    rng = np.random.default_rng(3)
    X = rng.gamma(1.0, 1.0, (3000, 5))
    purchases = rng.poisson(X[:, 0]).astype(float)
    spend = purchases * rng.gamma(2.0, 3.0, 3000)
    offset, weight = np.log(X[:, 1]), rng.random(3000) if weighted else None
    shared = binned(X, seed=1)
    for objective, outcome in (("poisson", purchases), ("tweedie", spend), ("poisson", spend)):
        first = OffsetBooster(objective, 20, seed=1).fit(shared, outcome, offset, weight)
        alone = OffsetBooster(objective, 20, seed=1).fit(X, outcome, offset, weight)
        assert np.std(alone.correction(X)) > 0.01
        np.testing.assert_array_equal(first.correction(X), alone.correction(X))


def test_linear_algebra_runs_in_one_thread_and_in_as_many_as_before_afterwards() -> None:
    def threads() -> list[int]:
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    before = threads()
    with one_blas_thread():
        assert set(threads()) == {1}
    assert threads() == before
