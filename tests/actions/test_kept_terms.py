"""The terms of decisions are found once for the same store, model, policy and day."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from customer_revenue.actions.terms import Terms
from customer_revenue.workflows.customers import kept_terms
from customer_revenue.workflows.customers.kept_terms import KeptTerms


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no source had changed just now."""
    monkeypatch.setattr(kept_terms, "stamp_of_what_runs", lambda: "sources")


def test_terms_are_found_once_for_the_same_key(tmp_path: Path) -> None:
    asked = []

    def find() -> Terms:
        asked.append(1)
        return Terms(0.4, 0.5 / len(asked))

    for day in ("2024-01-01", "2024-01-01", "2024-01-02"):
        found = KeptTerms(tmp_path).get(("store", day), find)
        assert found == (Terms(0.4, 0.5) if day.endswith("01") else Terms(0.4, 0.25))
    assert len(asked) == 2
    assert KeptTerms(tmp_path).get(("none",), lambda: Terms()) == KeptTerms(tmp_path).get(("none",), find) == Terms()


def test_other_sources_and_damaged_files_are_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    KeptTerms(tmp_path).get(("a",), lambda: Terms(scale=0.1))
    (file,) = tmp_path.glob("*.json")
    for text in ("{", "[]", json.dumps({"key": "other", "margin": None, "scale": 0.1})):
        file.write_text(text)
        assert KeptTerms(tmp_path).get(("a",), lambda: Terms(scale=0.9)) == Terms(scale=0.9)
    monkeypatch.setattr(kept_terms, "stamp_of_what_runs", lambda: None)
    assert KeptTerms(tmp_path).get(("a",), lambda: Terms(scale=0.3)) == Terms(scale=0.3)


def test_only_the_newest_are_kept_and_a_folder_that_cannot_be_written_is_none(tmp_path: Path) -> None:
    for number in range(kept_terms.MAX_FILES + 5):
        KeptTerms(tmp_path / "kept").get((str(number),), Terms)
    assert len(list((tmp_path / "kept").iterdir())) == kept_terms.MAX_FILES
    (tmp_path / "file").write_text("")
    assert KeptTerms(tmp_path / "file").get(("a",), lambda: Terms(scale=0.7)) == Terms(scale=0.7)
