"""Covariates of ``customer-revenue train``: chosen by its back-test, and given in every way to a prediction."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from customer_revenue.console import silent
from customer_revenue.errors import InvalidParameter
from customer_revenue.modeling.bundle import load
from customer_revenue.modeling.manifest import read_manifest
from customer_revenue.settings import ModelOptions, Settings, load_settings, with_changes
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.customers.posted_orders import History, HistoryOrder
from customer_revenue.workflows.import_orders import import_orders
from customer_revenue.workflows.training.score import score
from customer_revenue.workflows.training.train import train
from tests.channel_shop import PURCHASES_A_DAY, channel_orders

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # MLflow asks git for the version

OPTIONS = ModelOptions.model_validate(
    {"trees": 10, "windows": 2, "pareto": False, "regularity": 1, "prior": False, "covariates": "channel, country"}
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, tracking_store: Path) -> Settings:
    """A trained shop with channels, of which the back-test has kept those that say something."""
    folder = tmp_path_factory.mktemp("channels")
    shutil.copy(tracking_store, folder)
    channel_orders(1_000, 2).to_csv(folder / "orders.csv", index=False)
    made = load_settings(
        store=f"duckdb:///{folder}/shop.duckdb",
        models=folder / "models",
        tracking_uri=f"sqlite:///{folder}/mlflow.db",
        ltv_horizon_days=90,
        options=OPTIONS,
    )
    import_orders(made, [folder / "orders.csv"], report=silent)
    result = train(made, None, silent)
    result.check()
    assert {trial.name: trial.is_kept for trial in result.covariates} == {"channel": True, "country": False}
    assert "Covariate channel is used: adds something" in result.text()
    manifest = read_manifest(result.folder)
    assert manifest["covariates"] == ["channel"]
    assert [tried["name"] for tried in manifest["covariates_tried"]] == ["channel", "country"]
    assert manifest["recipe"]["options"]["covariates"] == ["channel"]
    return made


def test_every_way_to_a_prediction_gives_the_covariates(settings: Settings, tmp_path: Path) -> None:
    answers = Answers.open(settings, try_first=True)
    names = [f"{channel}{place:05d}" for channel in PURCHASES_A_DAY for place in range(40)]
    batch: Any = answers.batch(names)
    asked: Any = {row["customer_id"]: row["predictions"] for row in batch["customers"]}
    assert len(asked) > 30
    assert {name: answers.customer(name)["predictions"] for name in asked} == asked
    days: Any = answers.customer(next(iter(asked)), horizons_days=[90])["predictions"]
    assert days["horizons"][0]["ltv_cents"] == days["estimated_ltv_cents"]
    assert answers.detail.outlook(answers.find(next(iter(asked)), answers.when(None)))["alive"]
    answers.refresh_snapshot()
    assert answers.has_snapshot
    assert {name: answers.customer(name)["predictions"] for name in asked} == asked
    posted: Any = answers.scorer().score(
        [History(customer_id="c", orders=[HistoryOrder(total_cents=1_000, created_at="2023-12-05", status="paid")])]
    )
    assert 0 < posted["customers"][0]["predictions"]["next_purchase_probability"] < 1
    answers.close()
    score(settings, None, tmp_path / "all.csv", silent)
    scored = pd.read_csv(tmp_path / "all.csv").set_index("customer_id")["expected_revenue_cents"]
    assert {name: round(scored[name]) for name in asked} == {
        name: row["expected_revenue_cents"] for name, row in asked.items()
    }


def test_the_tracked_model_reads_the_channel_of_orders(settings: Settings) -> None:
    from customer_revenue.tracking.pyfunc import CustomerRevenueModel

    found = []
    for channel in ("till", "fair"):
        rows = [{"customer_id": f"c{i}", "order_date": "2024-01-20", "amount_cents": 3_000} for i in range(3)]
        orders = pd.DataFrame(rows).assign(channel=channel)
        model = CustomerRevenueModel()
        model.predictor = load(settings.models / "current")
        found.append(model.predict(None, orders, {"as_of": "2024-01-31"})["expected_purchases"].mean())
    assert found[0] > 1.1 * found[1]


def test_covariates_are_columns_of_the_first_order(settings: Settings) -> None:
    assert with_changes(settings, ["covariates=lines,category"]).options.covariates == ("lines", "category")
    with pytest.raises(InvalidParameter, match="covariates"):
        with_changes(settings, ["covariates=age"])
