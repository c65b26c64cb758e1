"""The Python API: quick to import, complete, and the same numbers as the workflows beneath."""

from __future__ import annotations

import ast
import datetime as dt
import gc
import inspect
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import customer_revenue as cr
from customer_revenue.actions.forecast import horizons_days
from customer_revenue.actions.terms import Terms
from customer_revenue.errors import InvalidParameter
from customer_revenue.library.fitted_probability import KINDS
from customer_revenue.periods import AsOf
from customer_revenue.policy import load_policy
from customer_revenue.workflows.customer_base.forecasting import shop_forecast
from customer_revenue.workflows.customers.advice import Advisor, Situation
from customer_revenue.workflows.customers.store_reader import CustomerQueries, StoredCustomer

HEAVY = ("pandas", "numpy", "matplotlib", "ibis", "duckdb", "lightgbm", "sklearn", "mlflow", "pydantic", "pyarrow")


@pytest.mark.process
def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, customer_revenue; print([name for name in sys.argv[1:] if name in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", code, *HEAVY], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert found.strip() == "[]"


def test_public_names_are_there_and_declared_to_type_checkers():
    tree = ast.parse(Path(inspect.getfile(cr)).read_text("utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    declared = {name.name for node in ast.walk(guarded) if isinstance(node, ast.ImportFrom) for name in node.names}
    assert declared == set(cr.__all__) == {name for name in dir(cr) if name in cr.__all__}
    assert all(getattr(cr, name) is not None for name in cr.__all__)
    with pytest.raises(AttributeError, match="no attribute 'fit_everything'"):
        _ = cr.fit_everything


def _documented() -> list[tuple[str, object]]:
    """Every public name, and every public method and property of the classes among them, but those of libraries."""
    things: list[tuple[str, object]] = []
    for name in cr.__all__:
        thing = getattr(cr, name)
        if inspect.ismodule(thing):
            things += [(f"{name}.{part}", getattr(thing, part)) for part in thing.__all__]
            continue
        things.append((name, thing))
        if inspect.isclass(thing) and not issubclass(thing, Exception):
            ours = [kind for kind in inspect.getmro(thing) if kind.__module__.startswith("customer_revenue")]
            own = {part: value for kind in ours for part, value in vars(kind).items() if not part.startswith("_")}
            kinds = (FunctionType, property, classmethod)
            methods = {p: v for p, v in own.items() if isinstance(v, kinds) and not hasattr(v, "__self__")}
            things += [(f"{name}.{part}", value) for part, value in methods.items()]
    return things


@pytest.mark.parametrize(("name", "thing"), _documented(), ids=[name for name, _ in _documented()])
def test_every_public_name_has_a_runnable_example(name, thing):
    text = inspect.getdoc(thing.fget if isinstance(thing, property) else thing) or ""
    assert len(text) > 30
    assert ">>>" in text or (inspect.isclass(thing) and issubclass(thing, Exception))


def test_rows_of_other_libraries_give_the_same_model():
    with cr.load_cdnow(sample=True) as cdnow:
        features = cdnow.features(as_of="1997-09-30")
    names = {"recency_days": "recency", "T_days": "T", "monetary_cents": "monetary_value", "spend_days": "spend_days"}
    theirs = features.rename(columns=names)[["customer_id", "frequency", *names.values()]].set_index("customer_id")
    ours, other = (cr.ProbabilityModel("bg_nbd").fit(rows) for rows in (features, theirs))
    pd.testing.assert_frame_equal(ours.parameters_, other.parameters_)
    pd.testing.assert_frame_equal(ours.predict(features, 90), other.predict(theirs, 90), check_names=False)


def test_frames_are_as_of_their_day_and_aligned():
    with cr.load_cdnow(sample=True) as cdnow:
        features, outcomes = cdnow.features("1997-09-30"), cdnow.outcomes("1997-09-30", 90)
        assert list(features["customer_id"]) == list(outcomes["customer_id"])
        days = cdnow.purchase_days(as_of="1997-09-30")
        assert days["day"].max() <= pd.Timestamp("1997-09-30")
        assert len(days) == features["frequency"].sum() + len(features)
        daily = cdnow.daily(as_of="1997-09-30")
        assert daily["repeat_purchases"].sum() == features["frequency"].sum()
        with pytest.raises(cr.CustomerRevenueError, match="are not over"):
            cdnow.outcomes("1998-06-01", 90)


def test_rows_that_cannot_be_used_are_told():
    orders = pd.DataFrame(
        {"order_id": ["a", "b"], "user_id": ["x", "y"], "created_at": ["2023-01-01", "2023-13-77"], "total": [9.5, 1]}
    )
    with pytest.warns(cr.NotImported, match="1 rows were not imported"):
        store = cr.load_orders(orders.assign(status="paid"))
    with store:
        assert store.info.orders == 1
        assert len(store.quarantine()) == 1


def test_a_fit_that_cannot_be_trusted_says_so_with_a_remedy():
    few = pd.DataFrame({"frequency": [1, 0, 2], "recency": [9, 0, 30], "T": [40, 40, 40]})
    model = cr.ProbabilityModel("mbg_nbd", penalizer=0.01)
    with pytest.warns(cr.FitWarning) as told:
        model.fit(few)
    assert [str(warning.message) for warning in told] == [str(caution) for caution in model.cautions_]
    assert "few_repeat_buyers" in {caution.code for caution in model.cautions_}
    with pytest.raises(cr.CustomerRevenueError, match="bought on two days"):
        model.fit(few[few["frequency"] == 0])


def test_a_model_that_does_not_exist_is_refused_by_name():
    with pytest.raises(cr.CustomerRevenueError, match="bg_nbd, mbg_nbd, mbg_cnbd_k, pareto_nbd"):
        cr.ProbabilityModel("weibull")
    assert set(KINDS) == {"bg_nbd", "mbg_nbd", "mbg_cnbd_k", "pareto_nbd"}


def test_a_store_that_was_read_in_leaves_nothing_behind():
    orders = cr.load_cdnow(sample=True)
    folder = orders.settings.models.parent
    assert folder.is_dir()
    del orders
    gc.collect()
    assert not folder.exists()
    with cr.load_cdnow(sample=True) as again:
        folder = again.settings.models.parent
    assert not folder.exists()


def one_of(features: pa.Table, orders: cr.Orders) -> tuple[str, AsOf]:
    return features["customer_id"][7].as_py(), orders.store.as_of(dt.date(2023, 9, 30))


def test_the_shops_known_customers_are_the_sum_of_their_paths():
    quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
    with cr.load_orders(cr.simulate_orders(300, days=365, seed=3)) as orders:
        model = cr.CustomerModel(90, options=quick).fit(orders, as_of="2023-09-30")
        months, weeks = model.forecast(orders, months=6), model.forecast(orders, months=6, unit="week")
        features = orders.arrow.features("2023-09-30")
        with pytest.raises(InvalidParameter, match="1 to 36"):
            model.forecast(orders, months=37)
        shop = shop_forecast(orders.store, orders.store.as_of(model.as_of), model.predictor_, features, load_policy())
        customer = StoredCustomer(CustomerQueries(orders.store, load_policy()), *one_of(features, orders))
        situation = Situation.of(customer, model.predictor_)
        own_path = Advisor(
            orders.store, load_policy(), lambda _: shop.factors, lambda _: Terms(), lambda _: {}
        ).forecast(situation, 6)["path"]
    days = horizons_days(model.as_of, 6)
    (paths,) = model.predictor_.revenue_paths(features, days)
    own = np.diff(paths.spend_cents[:, None] * paths.purchases, axis=1, prepend=0.0) * shop.factors[:6]
    assert months["known_revenue_cents"].tolist() == own.sum(axis=0).round().astype(int).tolist()
    assert isinstance(own_path, list)
    assert [row["expected_revenue_cents"] for row in own_path] == own[7].round().astype(int).tolist()
    (one,) = model.predictor_.revenue_paths(features.slice(7, 1), days)
    assert one.purchases == pytest.approx(paths.purchases[7:8])
    total = months["total_revenue_cents"].sum()
    assert weeks["total_revenue_cents"].sum() == pytest.approx(total * len(weeks) * 7 / days[-1], rel=0.05)
    assert (months["total_net_revenue_cents"] <= months["total_revenue_cents"]).all()
