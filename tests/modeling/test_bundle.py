"""Bundles come back as they were written, or are refused by name."""

from __future__ import annotations

import json

import numpy as np
import pytest

from customer_revenue.errors import BundleDamaged, BundleIncompatible, ModelNotFound
from customer_revenue.modeling.bundle import STATE, load, save
from customer_revenue.modeling.manifest import BUNDLE_SCHEMA_VERSION, MANIFEST, read_manifest
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.settings import ModelOptions
from tests.modeling.conftest import AS_OF


@pytest.fixture
def folder(predictor, tmp_path):
    return save(predictor, tmp_path / "models" / "one", {"metrics": {"purchases_mae": 0.5}})


def test_the_predictions_come_back(predictor, shop, folder):
    features = shop.features()
    assert load(folder).predict(features).equals(predictor.predict(features))


def test_every_tier_comes_back(fitted, tmp_path):
    for customers in (8, 80):
        shop, before = fitted(customers)
        after = load(save(before, tmp_path / str(customers)))
        assert after.tier_ is before.tier_
        assert after.predict(shop.features()).equals(before.predict(shop.features()))


def test_the_window_of_the_churn_score_is_the_one_that_was_asked_for(shop, tmp_path):
    options = ModelOptions(churn_days=60, trees=3, regularity=1, pareto=False)
    windows = shop.windows(AS_OF, 90, churn_days=60)
    features = shop.features()
    before = Predictor(AS_OF, 90, seed=7, options=options).fit(features, windows)
    after = load(save(before, tmp_path / "one"))
    assert after.churn_days == 60
    predicted = after.predict(features)
    assert predicted.equals(before.predict(features))
    score = predicted.column("churn_risk_score").to_numpy()
    assert np.allclose(score, 1 - after.curve(features, [60])[:, 0], atol=1e-12)
    assert before.learned_ is not None
    assert sorted(before.learned_.models.churn) == [30, 60, 90]
    assert after.churn_contributions(features) is not None


def test_the_manifest_says_what_it_is(folder):
    manifest = read_manifest(folder)
    assert manifest["schema_version"] == BUNDLE_SCHEMA_VERSION
    assert manifest["metrics"] == {"purchases_mae": 0.5}
    assert {"features", "packages", "sha256", "as_of_day", "tier"} <= manifest.keys()


def test_there_is_nothing_but_text(folder):
    assert all(path.suffix in (".json", ".txt") for path in folder.iterdir())
    assert all(path.read_text(encoding="utf-8") for path in folder.iterdir())


def test_a_bundle_replaces_another_and_leaves_nothing_beside_it(predictor, folder):
    save(predictor, folder, {"metrics": {}})
    assert read_manifest(folder)["metrics"] == {}
    assert [path.name for path in folder.parent.iterdir()] == ["one"]


@pytest.mark.parametrize("name", [STATE, "offset.txt", "churn_90.txt"])
def test_what_is_altered_truncated_or_missing_is_refused(folder, name):
    whole = (folder / name).read_bytes()
    for content in (whole[:-10], whole.replace(b"1", b"2", 1), b""):
        (folder / name).write_bytes(content)
        with pytest.raises(BundleDamaged, match=name):
            load(folder)
    (folder / name).unlink()
    with pytest.raises(BundleDamaged, match="missing"):
        load(folder)


def _rewrite(folder, **changes):
    manifest = json.loads((folder / MANIFEST).read_text()) | changes
    (folder / MANIFEST).write_text(json.dumps(manifest))


OTHERS = [
    {"schema_version": BUNDLE_SCHEMA_VERSION + 1},
    {"kind": "another"},
    {"model_features": ["frequency"]},
    {"features": []},
]


@pytest.mark.parametrize("changes", OTHERS)
def test_another_schema_is_refused(folder, changes):
    _rewrite(folder, **changes)
    with pytest.raises(BundleIncompatible):
        load(folder)


@pytest.mark.parametrize("checksums", [None, {}, {"../outside.txt": "0"}, {STATE: 3}])
def test_a_manifest_that_lists_something_else_is_refused(folder, checksums):
    _rewrite(folder, sha256=checksums)
    with pytest.raises(BundleDamaged):
        load(folder)


def test_an_unreadable_manifest_is_refused(folder):
    (folder / MANIFEST).write_text("{")
    with pytest.raises(BundleDamaged, match="JSON"):
        load(folder)


def test_no_folder_and_no_bundle_are_told_apart(tmp_path):
    with pytest.raises(ModelNotFound):
        load(tmp_path / "none")
    with pytest.raises(BundleIncompatible):
        load(tmp_path)
