"""Promote and roll back: the link, the record and MLflow say the same, whatever was interrupted."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Shop
from tests.service.conftest import serving
from tests.service.load import loaded
from tests.trust.mlflow_champion import champion_in_mlflow

from customer_revenue import tracking
from customer_revenue.console import silent
from customer_revenue.errors import GateRefused, InvalidParameter, ModelBusy, ModelNotFound
from customer_revenue.orders.files.simulate import simulate_orders
from customer_revenue.settings import Settings, load_settings
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.import_orders import import_orders
from customer_revenue.workflows.registry.bundles import current_version, read_gate, write_gate
from customer_revenue.workflows.registry.champion import RECORD, changes, locked, promote, rollback, settle
from customer_revenue.workflows.registry.tracking_delivery import deliver
from customer_revenue.workflows.registry.verdict import Check, Verdict
from customer_revenue.workflows.training.train import train

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.process]  # of MLflow, which asks git for the version


@pytest.fixture(scope="module")
def trained(tracking_store: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, list[str]]:
    """A small store with two versions, the second of them champion."""
    import pyarrow.parquet as pq

    folder = tmp_path_factory.mktemp("small")
    shutil.copy(tracking_store, folder)
    pq.write_table(simulate_orders(60, 200, seed=3), folder / "orders.parquet")
    settings = load_settings(
        store=f"duckdb:///{folder}/orders.duckdb",
        models=folder / "models",
        tracking_uri=f"sqlite:///{folder}/mlflow.db",
    )
    import_orders(settings, [folder / "orders.parquet"], report=silent)
    results = [train(settings, None, silent) for _ in range(2)]
    assert all(result.change for result in results), [result.text() for result in results]
    return settings, [result.version for result in results]


@pytest.fixture
def shop(trained: tuple[Settings, list[str]]) -> Any:
    """The two versions, as they were before each test."""
    settings, versions = trained
    before = (settings.models / RECORD).read_bytes()
    yield settings, versions
    (settings.models / RECORD).write_bytes(before)
    tracking.log_change(settings.registry, "promote", {"why": "test"}, versions[1])
    shutil.rmtree(settings.models / "current", ignore_errors=True)
    (settings.models / "current").unlink(missing_ok=True)
    (settings.models / "current").symlink_to(versions[1])
    for version in versions:
        write_gate(settings.models / version, Verdict((), versions[0], ()))


def test_rollback_and_promote_change_link_record_and_mlflow(shop: tuple[Settings, list[str]]) -> None:
    settings, (first, second) = shop
    assert current_version(settings.models) == champion_in_mlflow(settings).tags["bundle"] == second
    change = rollback(settings.registry, "too many discounts", by="kim")
    assert deliver(settings.registry)
    assert current_version(settings.models) == champion_in_mlflow(settings).tags["bundle"] == first
    assert (change.event, change.before, change.by, change.why) == ("rollback", second, "kim", "too many discounts")
    assert replace(changes(settings.models)[-1], run_id=None) == change
    model = champion_in_mlflow(settings)
    assert (model.tags["rollback_why"], model.tags["rollback_by"]) == ("too many discounts", "kim")
    with pytest.raises(ModelNotFound, match="no earlier champion"):
        rollback(settings.registry, "again")
    write_gate(settings.models / second, Verdict((), first, ()))
    assert promote(settings.registry, second) is not None
    assert deliver(settings.registry)
    assert current_version(settings.models) == champion_in_mlflow(settings).tags["bundle"] == second
    assert promote(settings.registry, second) is None


def test_what_a_person_took_back_is_not_brought_again_by_training(shop: tuple[Settings, list[str]]) -> None:
    settings, (first, _) = shop
    rollback(settings.registry, "complaints", by="kim")
    result = train(settings, None, silent)
    try:
        assert result.verdict is not None
        assert result.verdict.passed
        assert current_version(settings.models) == first
        with pytest.raises(GateRefused) as caught:
            result.check()
        assert "kim rolled back" in caught.value.details[0]
    finally:
        shutil.rmtree(result.folder)


def test_the_gates_refusal_holds_unless_forced_with_a_reason(shop: tuple[Settings, list[str]]) -> None:
    settings, (first, second) = shop
    no = Check("calibration", passed=False, text="calibration error 0.4, at most 0.1")
    write_gate(settings.models / first, Verdict((no,), second, ()))
    with pytest.raises(GateRefused) as caught:
        promote(settings.registry, first)
    assert caught.value.details == (no.text,)
    assert caught.value.exit_status == 3
    with pytest.raises(InvalidParameter, match="--why"):
        promote(settings.registry, first, force=True)
    change = promote(settings.registry, first, "the other one is broken", force=True)
    assert change is not None
    assert current_version(settings.models) == first


def test_a_verdict_against_another_champion_is_not_enough(shop: tuple[Settings, list[str]]) -> None:
    settings, (first, _) = shop
    write_gate(settings.models / first, Verdict((), "someone else", ()))
    with pytest.raises(GateRefused, match="train again"):
        promote(settings.registry, first)
    (settings.models / first / "gate.json").write_text("{")
    assert read_gate(settings.models / first) is None
    with pytest.raises(GateRefused, match="has not been through the gate"):
        promote(settings.registry, first)


def _roll_back_and_tell(settings: Settings) -> None:
    rollback(settings.registry, "in a hurry")
    deliver(settings.registry)


@pytest.mark.parametrize("step", ["make_current", "log_change"])
def test_an_interrupted_change_is_finished_by_the_next_command(
    shop: tuple[Settings, list[str]], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, (first, _) = shop

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    where = "champion" if step == "make_current" else "tracking_delivery.tracking"
    with monkeypatch.context() as patched:
        patched.setattr(f"customer_revenue.workflows.registry.{where}.{step}", die)
        with pytest.raises(KeyboardInterrupt):
            _roll_back_and_tell(settings)
    assert changes(settings.models)[-1].run_id is None
    settle(settings.registry)
    assert deliver(settings.registry)
    assert current_version(settings.models) == champion_in_mlflow(settings).tags["bundle"] == first
    assert changes(settings.models)[-1].run_id
    before = changes(settings.models)
    settle(settings.registry)
    assert changes(settings.models) == before


def test_one_training_at_a_time(shop: tuple[Settings, list[str]]) -> None:
    settings, _ = shop
    with locked(settings.models, "training"), pytest.raises(ModelBusy, match="another training"):
        train(settings, None, silent)


def witness(body: dict[str, Any]) -> tuple[str, int]:
    """The version that an answer names, and what tells which model it is really of."""
    return body["meta"]["model_version"], body["predictions"]["horizon_days"]


@pytest.mark.slow
@pytest.mark.servers
def test_promoted_and_rolled_back_under_load(trained_shop: Shop, tmp_path: Path) -> None:
    """By the commands, as a person would; every answer is of the version that it names, and none fails."""
    shop = Shop(tmp_path, trained_shop.environment)
    for name in ("example.csv", "others.parquet"):
        shutil.copy(trained_shop.folder / name, tmp_path / name)
    shop.run("import", "example.csv", "others.parquet", "--as-of", "2023-12-15")
    shop.run("train")
    first = current(shop)
    with serving(shop) as running, loaded(running, witness) as load:
        load.wait_for(lambda load: len(load.answers) > 20)
        other = Shop(tmp_path, {**shop.environment, "CUSTOMER_REVENUE_LTV_HORIZON_DAYS": "300"})
        other.run("train")
        second = current(shop)
        load.wait_for(lambda load: {w[0] for _, _, w in load.answers[-20:]} == {second}, 60)
        shop.run("rollback", "--why", "a test")
        load.wait_for(lambda load: {w[0] for _, _, w in load.answers[-20:]} == {first}, 60)
        card = running.get("/model").json()
        assert card["live_since"] == json.loads((tmp_path / "models" / RECORD).read_text())[-1]["at"]
        shop.run("promote", second, "--why", "it was good")
        load.wait_for(lambda load: {w[0] for _, _, w in load.answers[-20:]} == {second}, 60)
    assert first != second
    assert load.failures == []
    assert set(load.statuses) == {200}
    assert load.seen == {(first, 365), (second, 300)}
    listed = shop.run("models")
    assert first in listed
    assert "champion" in listed


def current(shop: Shop) -> str:
    return (shop.folder / "models" / "current").resolve().name


def test_a_model_of_another_store_is_told(shop: tuple[Settings, list[str]], tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    settings, (_, second) = shop
    pq.write_table(simulate_orders(40, 100, seed=9), tmp_path / "other.parquet")
    other = load_settings(**{**settings.model_dump(), "store": f"duckdb:///{tmp_path}/other.duckdb"})
    import_orders(other, [tmp_path / "other.parquet"], report=silent)
    own, foreign = Answers.open(settings), Answers.open(other)
    try:
        assert (own.warning, own.model_card()["warning"]) == ("", None)
        assert foreign.warning.startswith(f"the model {second} was trained on another store")
        assert foreign.model_card()["warning"] == foreign.warning
    finally:
        own.close()
        foreign.close()
