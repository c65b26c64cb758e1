"""Covariates from the orders of a store, and what a back-test says that each of them adds."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

import customer_revenue as cr

LINES = """order_id,user_id,created_at,total_cents,status,channel,product_id,quantity,amount_cents,category
0,ann,2023-12-31T10:00:00Z,500,cancelled,fax,c,1,500,C
1,ann,2024-01-01T10:00:00Z,900,paid,web,b,1,300,B
1,ann,2024-01-01T10:00:00Z,900,paid,web,a,2,600,A
2,ann,2024-02-01T10:00:00Z,700,paid,till,b,1,700,B
4,bob,2024-01-05T10:00:00Z,300,refunded,till,d,1,150,
4,bob,2024-01-05T10:00:00Z,300,refunded,till,c,1,150,C
5,cid,2024-03-01T10:00:00Z,200,paid,,,,,
"""


def test_the_first_order_that_counts_says_what_was_known_of_each_customer(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(LINES, "utf-8")
    with cr.load_orders(path) as orders:
        first = orders.first_orders().set_index("customer_id")
        assert list(orders.first_orders("2024-02-28")["customer_id"]) == ["ann", "bob"]
    assert first["channel"].replace({np.nan: None}).to_dict() == {"ann": "web", "bob": "till", "cid": None}
    assert first["order_cents"].to_dict() == {"ann": 900, "bob": 300, "cid": 200}
    assert first["lines"].to_dict() == {"ann": 2, "bob": 2, "cid": 0}
    assert first["product_id"].replace({np.nan: None}).to_dict() == {"ann": "a", "bob": "c", "cid": None}
    assert first["category"].replace({np.nan: None}).to_dict() == {"ann": "A", "bob": "C", "cid": None}


@pytest.fixture(scope="module")
def shop() -> Iterator[cr.Orders]:
    """Customers of the web, who buy often, and of the till, who do not."""
    shops = {"web": cr.Shop(alpha_days=15), "till": cr.Shop(alpha_days=150)}
    parts = []
    for seed, (channel, habits) in enumerate(shops.items()):
        part = cr.simulate_orders(600, days=365, seed=seed, shop=habits).to_pandas()
        part[["order_id", "user_id"]] = channel + part[["order_id", "user_id"]]
        parts.append(part.assign(channel=channel, country="DE"))
    with cr.load_orders(pd.concat(parts)) as orders:
        yield orders


def test_what_adds_something_is_kept_and_all_else_is_dropped_with_its_reason(shop):
    values = shop.first_orders()
    values["luck"] = values["customer_id"].str[-1].isin(list("02468"))
    values = values[values["customer_id"].str[-2:] != "33"]  # of the others nothing is known
    names = ["luck", "channel", "country"]
    result = cr.backtest_covariates(shop, names, "mbg_nbd", 90, values=values, draws=50)
    assert result.kept == ("channel",)
    assert list(result.added.index) == names
    assert list(result.added["kept"]) == [False, True, False]
    channel, luck = result.added.loc["channel"], result.added.loc["luck"]
    assert channel["probability_log_loss_high"] < 0
    assert luck["probability_log_loss_low"] <= 0 <= luck["probability_log_loss_high"]
    assert luck["reason"] in {"adds nothing beyond noise", "makes a forecast worse"}
    assert channel["reason"] == "adds something"


def test_the_columns_of_the_store_are_the_default_and_none_of_the_horizon_is_known(shop):
    result = cr.backtest_covariates(shop, ["channel", "country"], "mbg_nbd", 90, cutoff="2023-06-30", draws=50)
    assert result.kept == ("channel",)
    assert result.added.loc["country", "reason"] == "the covariate country is the same for all customers: leave it out"
    rows = shop.features("2023-06-30").merge(shop.first_orders("2023-06-30"), on="customer_id")
    model = cr.ProbabilityModel("mbg_nbd", penalizer=0.0, covariates=result.kept)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cr.FitWarning)
        model.fit(rows)
    assert model.likelihood_ratio_test().p_value < 1e-6


@pytest.mark.parametrize(
    ("covariates", "values", "problem"),
    [
        (["size"], None, "lack the columns size"),
        ("channel", None, "in a list"),
        (["total_cents"], pd.DataFrame({"customer_id": ["a"], "total_cents": [1]}), "feature of the past"),
        (["age"], pd.DataFrame({"customer_id": ["a", "a"], "age": [1, 2]}), "several rows for one customer"),
    ],
)
def test_values_that_cannot_be_used_are_refused(shop, covariates, values, problem):
    with pytest.raises(cr.CustomerRevenueError, match=problem):
        cr.backtest_covariates(shop, covariates, "mbg_nbd", values=values)


def test_a_horizon_that_is_not_over_is_refused(shop):
    with pytest.raises(cr.CustomerRevenueError, match="are not over"):
        cr.backtest_covariates(shop, ["channel"], cutoff="2023-12-30")
