"""Stores and models that are replaced while clients ask: no failed request, no mixed answer."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Shop
from tests.service.conftest import Service, serving
from tests.service.load import loaded

from customer_revenue.workflows.registry.bundles import make_current

HEADER = "order_id,user_id,created_at,total_cents,status\n"


@pytest.fixture
def own_shop(trained_shop: Shop, tmp_path: Path) -> Shop:
    folder = tmp_path / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    return Shop(folder, trained_shop.environment)


pytestmark = pytest.mark.servers


def facts(body: dict[str, Any]) -> tuple[int, ...]:
    months = body["monthly_breakdown"]
    summary = body["revenue_summary"]
    return (
        summary["total_orders"],
        summary["total_revenue_cents"],
        sum(month["orders"] for month in months),
        sum(month["revenue_cents"] for month in months),
        sum(product["revenue_cents"] for product in body["product_breakdown"]),
    )


def test_a_store_replaced_by_imports(own_shop: Shop) -> None:
    expected = {(10 + n, 125_000 + 100 * n, 10 + n, 125_000 + 100 * n, 125_000 + 100 * n) for n in range(3)}
    with serving(own_shop) as running, loaded(running, facts) as load:
        load.wait_for(lambda load: len(load.answers) > 20)
        for number in (1, 2):
            (own_shop.folder / "more.csv").write_text(f"{HEADER}n{number},user_123,2023-12-12T10:00:00Z,100,paid\n")
            own_shop.run("import", "more.csv")
            load.wait_for(lambda load: 10 + number in {seen[0] for seen in load.seen})  # noqa: B023  # called at once
        newest = max(expected)
        load.wait_for(lambda load: all(what == newest for _, _, what in load.answers[-30:]))
    assert load.failures == []
    assert load.errors == set()
    assert load.seen == expected


def other_model(shop: Shop, version: str, change: dict[str, object]) -> Path:
    """A copy of the current bundle that predicts otherwise."""
    folder = shop.folder / "models" / version
    shutil.copytree((shop.folder / "models" / "current").resolve(), folder)
    state = json.loads((folder / "predictor.json").read_text())
    text = json.dumps(state | change)
    (folder / "predictor.json").write_text(text)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["version"] = version
    manifest["sha256"]["predictor.json"] = hashlib.sha256(text.encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def witness(body: dict[str, Any]) -> tuple[str, int]:
    """The version that an answer names, and what tells which model it is really of."""
    return body["meta"]["model_version"], body["predictions"]["horizon_days"]


def test_a_champion_promoted_and_rolled_back(own_shop: Shop) -> None:
    models = own_shop.folder / "models"
    first = (models / "current").resolve().name
    other_model(own_shop, "second", {"horizon_days": 300})
    with serving(own_shop) as running, loaded(running, witness) as load:
        load.wait_for(lambda load: len(load.answers) > 20)
        for version in ("second", first, "second", first):
            make_current(models, version)
            load.wait_for(lambda load: {w[0] for _, _, w in load.answers[-20:]} == {version}, 60)  # noqa: B023  # at once
    assert load.failures == []
    assert load.errors == set()
    assert load.seen == {(first, 365), ("second", 300)}


def truncated(folder: Path) -> None:
    file = folder / "predictor.json"
    file.write_bytes(file.read_bytes()[:-200])


def altered(folder: Path) -> None:
    file = next(folder.glob("*.txt"))
    file.write_bytes(file.read_bytes().replace(b"1", b"2", 1))


def foreign(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "model.pkl").write_bytes(b"\x80\x04N.")


def of_the_future(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"schema_version": 99}))


def gone(folder: Path) -> None:
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def refusing(trained_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("refusing") / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    shop = Shop(folder, trained_shop.environment)
    with serving(shop) as running:
        yield shop, running


@pytest.mark.parametrize("spoil", [truncated, altered, foreign, of_the_future, gone])
def test_a_bundle_that_cannot_be_used_is_refused(refusing: tuple[Shop, Service], spoil: Callable[[Path], None]) -> None:
    shop, running = refusing
    models = shop.folder / "models"
    first = (models / "current").resolve().name
    spoil(other_model(shop, spoil.__name__, {"horizon_days": 300}))
    with loaded(running, witness, clients=2, pause=0.01) as load:
        make_current(models, spoil.__name__)
        load.wait_for(lambda _: refused(running) == 1)
        make_current(models, first)
        load.wait_for(lambda _: refused(running) == 0)
    assert load.failures == []
    assert load.errors == set()
    assert load.seen == {(first, 365)}


def test_a_start_on_a_bundle_that_cannot_be_used_answers_with_the_last_good_one(own_shop: Shop) -> None:
    models = own_shop.folder / "models"
    first = (models / "current").resolve().name
    altered(other_model(own_shop, "worse", {"horizon_days": 300}))
    make_current(models, "worse")
    with serving(own_shop) as running:
        answer = running.get("/customers/user_123/revenue").json()
        assert (answer["meta"]["model_version"], answer["predictions"]["horizon_days"]) == (first, 365)
        assert "the last good one here" in running.get("/model").json()["warning"]
        assert refused(running) == 1


def refused(service: Service) -> float:
    lines = service.client.get("/metrics").text.splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith("customer_revenue_model_refused "))
