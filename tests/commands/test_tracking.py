"""What ``train`` leaves in MLflow."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import mlflow
import pandas as pd
import pyarrow as pa
import pytest
from mlflow.entities import Run
from tests.conftest import Shop, free_port

import customer_revenue as cr
from customer_revenue.modeling import bundle
from customer_revenue.orders.store import open_store
from customer_revenue.settings import load_settings
from customer_revenue.workflows.feature_rows import feature_rows

URI = "models:/customer-revenue@champion"
FITTED = ("bgnbd_r", "bgnbd_alpha", "bgnbd_a", "bgnbd_b", "gg_p", "gg_q", "gg_v")


@pytest.fixture(scope="module")
def tracked(trained_shop: Shop) -> Iterator[Shop]:
    """The trained shop, with MLflow pointed at its runs."""
    before = mlflow.get_tracking_uri()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own
        mlflow.set_tracking_uri(f"sqlite:///{trained_shop.folder}/models/mlflow.db")
        yield trained_shop
        mlflow.set_tracking_uri(before)


@pytest.fixture(scope="module")
def run(tracked: Shop) -> Run:
    """The run of its training."""
    (found,) = mlflow.search_runs(
        experiment_names=["customer-revenue"], filter_string="run_name = 'train'", output_format="list"
    )
    return found


@pytest.fixture(scope="module")
def features(tracked: Shop) -> pa.Table:
    """A few feature rows of the shop."""
    settings = load_settings(store=f"duckdb:///{tracked.folder}/data/orders.duckdb")
    with open_store(settings.store, settings.store_options) as store:
        return feature_rows(store, store.as_of()).slice(0, 20)


def common(run: Run) -> set[str]:
    """The metrics of every run; those of near-certain buyers are there only where some customer is one."""
    return {name for name in run.data.metrics if not name.endswith("_near_certain")}


@pytest.mark.filterwarnings("ignore")
class TestRun:
    def test_parameters_metrics_and_data_are_there(self, run: Run) -> None:
        assert all(float(run.data.params[name]) > 0 for name in FITTED)
        assert run.data.params["window_last_day"] == "2023-12-15"
        assert run.data.params["data_fingerprint"]
        assert {"purchases_mae", "probability_auc", "bgnbd_purchases_mae", "naive_purchases_mae"} <= set(
            run.data.metrics
        )

    def test_folds_of_the_backtest_are_nested_runs(self, run: Run) -> None:
        query = f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
        folds = mlflow.search_runs(experiment_names=["customer-revenue"], filter_string=query, output_format="list")
        assert len(folds) == 2
        for fold in folds:
            assert fold.data.params["data_fingerprint"] == run.data.params["data_fingerprint"]
            assert common(fold) == common(run)

    def test_the_orders_are_a_dataset_and_every_run_says_what_it_is(self, run: Run) -> None:
        query = f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
        folds = mlflow.search_runs(experiment_names=["customer-revenue"], filter_string=query, output_format="list")
        for one, context in ((run, "training"), *((fold, "evaluation") for fold in folds)):
            inputs = mlflow.MlflowClient().get_run(one.info.run_id).inputs
            assert inputs is not None
            (given,) = inputs.dataset_inputs
            assert given.dataset.name == "orders"
            assert run.data.params["data_fingerprint"].startswith(given.dataset.digest.partition("-")[0])
            assert [tag.value for tag in given.tags] == [context]
            assert json.loads(given.dataset.profile or "")["customers"] == one.data.params["customers"]
            assert one.data.tags["mlflow.note.content"]
        assert mlflow.get_experiment(run.info.experiment_id).tags["mlflow.note.content"]

    def test_the_version_is_described_by_what_it_learned_and_how_good_it_was(self, run: Run) -> None:
        client = mlflow.MlflowClient()
        version = client.get_model_version_by_alias("customer-revenue", "champion")
        for said in (run.data.params["version"], "2023-12-15", run.data.tags["tier"], "purchases_mae"):
            assert said in (version.description or "")
        assert version.tags["bundle"] == run.data.params["version"]
        registered = client.get_registered_model("customer-revenue")
        assert "challenger" in registered.description
        assert registered.tags["project"] == "customer-revenue"

    def test_the_example_is_orders_of_nobody(self, tracked: Shop) -> None:
        model = mlflow.pyfunc.load_model(URI)
        assert list(model.input_example) == ["customer_id", "order_date", "amount_cents", "order_id"]
        with cr.open_store(f"duckdb:///{tracked.folder}/data/orders.duckdb") as store:
            known = set(store.facts()["customer_id"])
        assert not known & set(model.input_example["customer_id"])
        params = {spec.name for spec in model.metadata.signature.params.params}
        assert params == {"horizon_days", "as_of"}
        assert len(model.predict(model.input_example.drop(columns="order_id"))) == 3

    def test_plots_are_there(self, run: Run, tmp_path: Path) -> None:
        for name in ("calibration.png", "tracking.png"):
            path = mlflow.artifacts.download_artifacts(
                run_id=run.info.run_id, artifact_path=name, dst_path=str(tmp_path)
            )
            assert Path(path).read_bytes().startswith(b"\x89PNG")

    def test_the_champion_has_a_signature_and_predicts_as_the_bundle_does(
        self, tracked: Shop, features: pa.Table
    ) -> None:
        model = mlflow.pyfunc.load_model(URI)
        assert model.metadata.signature is not None
        assert model.input_example is not None
        expected = bundle.load(tracked.folder / "models" / "current").predict(features).to_pandas()
        found = model.predict(features.to_pandas())
        assert list(found["customer_id"]) == list(expected["customer_id"])
        assert list(found["estimated_ltv_cents"]) == pytest.approx(list(expected["estimated_ltv_cents"]), rel=1e-9)

    def test_the_champion_takes_whole_numbers_parameters_and_orders(self, tracked: Shop, features: pa.Table) -> None:
        model, frame = mlflow.pyfunc.load_model(URI), features.to_pandas()
        whole = frame.astype(dict.fromkeys(("frequency", "recency_days", "T_days"), "int64"))
        parts = frame.astype(dict.fromkeys(("frequency", "recency_days", "T_days"), "float64"))
        pd.testing.assert_frame_equal(model.predict(whole), model.predict(parts))
        month = model.predict(frame, params={"horizon_days": 30})
        assert (month["expected_purchases"] <= model.predict(frame)["expected_purchases"]).all()
        with cr.open_store(f"duckdb:///{tracked.folder}/data/orders.duckdb") as store:
            features = store.arrow.features("2023-12-15")
            rows = store.table("orders").query("status in ('paid', 'refunded')")
        orders = rows.rename(columns={"id": "order_id", "user_id": "customer_id", "created_at": "order_date"})
        orders = orders[["customer_id", "order_date", "total_cents", "order_id"]].dropna()
        orders = orders.rename(columns={"total_cents": "amount_cents"})
        found = model.predict(orders, params={"as_of": "2023-12-15", "horizon_days": 60}).set_index("customer_id")
        expected = bundle.load(tracked.folder / "models" / "current").predict(features, 60).to_pandas()
        same = expected.set_index("customer_id").loc[found.index, "expected_purchases"]
        assert found["expected_purchases"].corr(same) > 0.99

    def test_the_service_answers_from_the_registry(self, tracked: Shop) -> None:
        environment = {**tracked.environment, "CUSTOMER_REVENUE_MODEL": URI}
        answer = Shop(tracked.folder, environment).show("user_123")
        assert answer["predictions"] == tracked.show("user_123")["predictions"]

    @pytest.mark.servers
    def test_mlflow_serves_the_champion(self, tracked: Shop) -> None:
        port = free_port()
        example = mlflow.artifacts.download_artifacts(f"{URI}/serving_input_example.json")
        command = [
            sys.executable,
            "-m",
            "mlflow",
            "models",
            "serve",
            "--env-manager",
            "local",
            "-m",
            URI,
            "-p",
            str(port),
        ]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**tracked.environment, "MLFLOW_TRACKING_URI": mlflow.get_tracking_uri(), "PATH": path}
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as server:
            try:
                answer = _post_when_ready(f"http://127.0.0.1:{port}", Path(example).read_text())
            finally:
                server.terminate()
        customers = [prediction["customer_id"] for prediction in answer["predictions"]]
        assert customers == ["customer-1", "customer-2", "customer-3"]

    @pytest.mark.slow
    def test_the_champion_predicts_in_an_environment_of_its_requirements_alone(
        self, tracked: Shop, tmp_path: Path
    ) -> None:
        orders = mlflow.artifacts.download_artifacts(f"{URI}/input_example.json", dst_path=str(tmp_path))
        given = json.dumps({"dataframe_split": json.loads(Path(orders).read_text()), "params": {"horizon_days": 30}})
        (tmp_path / "orders.json").write_text(given)
        command = [sys.executable, "-m", "mlflow", "models", "predict", "--env-manager", "uv", "-m", URI]
        command += ["-i", "orders.json", "-o", "found.json", "-t", "json"]
        environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment |= {"MLFLOW_TRACKING_URI": mlflow.get_tracking_uri(), "MLFLOW_ENV_ROOT": str(tmp_path / "root")}
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
        found = json.loads((tmp_path / "found.json").read_text())["predictions"]
        assert [one["customer_id"] for one in found] == ["customer-1", "customer-2", "customer-3"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            here = mlflow.pyfunc.load_model(URI)
        expected = here.predict(here.input_example, params={"horizon_days": 30})
        assert [one["expected_purchases"] for one in found] == pytest.approx(list(expected["expected_purchases"]))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_an_experiment_is_comparable_and_leaves_the_model_in_use_alone(tracked: Shop, run: Run) -> None:
    current = (tracked.folder / "models" / "current").resolve()
    before = mlflow.MlflowClient().get_model_version_by_alias("customer-revenue", "champion").version
    text = tracked.run("train", "--set", "learned=false", "--set", "folds=2")
    assert "stays as it is" in text
    assert (tracked.folder / "models" / "current").resolve() == current
    assert mlflow.MlflowClient().get_model_version_by_alias("customer-revenue", "champion").version == before
    query = "params.option_learned = 'False' and params.option_folds = '2'"
    (variant,) = mlflow.search_runs(experiment_names=["customer-revenue"], filter_string=query, output_format="list")
    assert variant.data.params["data_fingerprint"] == run.data.params["data_fingerprint"]
    assert common(variant) == common(run)
    assert (variant.data.tags["variant"], run.data.tags["variant"]) == ("learned=False", "usual")
    children = f"tags.`mlflow.parentRunId` = '{variant.info.run_id}'"
    folds = mlflow.search_runs(experiment_names=["customer-revenue"], filter_string=children, output_format="list")
    assert len({fold.data.params["cutoff"] for fold in folds}) == 2


def _post_when_ready(url: str, content: str) -> dict[str, list[dict[str, object]]]:
    give_up = time.monotonic() + 90
    while True:
        try:
            httpx.get(f"{url}/ping").raise_for_status()
            break
        except httpx.HTTPError:
            assert time.monotonic() < give_up, "mlflow models serve did not start"
            time.sleep(0.3)
    response = httpx.post(
        f"{url}/invocations", content=content, headers={"content-type": "application/json"}, timeout=60
    )
    response.raise_for_status()
    answer: dict[str, list[dict[str, object]]] = response.json()
    return answer


@pytest.mark.filterwarnings("ignore")
def test_a_training_leaves_what_its_caller_has_set_in_mlflow_and_nests_in_their_run(
    tmp_path: Path, tracking_store: Path
) -> None:
    shutil.copy(tracking_store, tmp_path / "own.db")
    before = mlflow.get_tracking_uri()
    level = logging.getLogger("mlflow").level
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/own.db")
    try:
        own = mlflow.set_experiment("my own")
        log = cr.simulate_orders(60, days=120, seed=4)
        settings: dict[str, Any] = {"tracking_uri": f"sqlite:///{tmp_path}/own.db", "models": tmp_path / "models"}
        with mlflow.start_run(run_name="mine") as mine, cr.load_orders(log, **settings) as orders:
            cr.train(orders)
            still = mlflow.active_run()
            assert still is not None
            assert still.info.run_id == mine.info.run_id
            mlflow.log_metric("after", 1.0)
        assert mlflow.get_tracking_uri() == f"sqlite:///{tmp_path}/own.db"
        assert mlflow.get_experiment(mine.info.experiment_id).name == own.name
        with mlflow.start_run() as next_run:
            assert next_run.info.experiment_id == own.experiment_id
        assert logging.getLogger("mlflow").level == level
        query = f"tags.`mlflow.parentRunId` = '{mine.info.run_id}'"
        (nested,) = mlflow.search_runs(experiment_names=["customer-revenue"], filter_string=query, output_format="list")
        assert nested.info.run_name == "train"
        assert nested.info.status == "FINISHED"
        version = mlflow.MlflowClient().get_model_version_by_alias("customer-revenue", "champion")
        assert version.description
    finally:
        mlflow.set_tracking_uri(before)
