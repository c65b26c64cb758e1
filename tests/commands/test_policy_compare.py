"""Two policies on the same customers, as of today and as of a past day."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Shop

CAUTIOUS = "[decisions]\nleast_chance = 0.999\n"
BOLD = "[effects.message]\nconversion_points = 2.0\nbasis = 'measured'\n"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("policies")
    texts = {"packaged": "", "cautious": CAUTIOUS, "bold": BOLD, "broken": "[decisions]\nquiet = 1\n"}
    for name, text in texts.items():
        Path(folder, f"{name}.toml").write_text(text)
    return {name: str(folder / f"{name}.toml") for name in texts}


def compared(shop: Shop, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shop.run("policy", "compare", *words))
    return found


@pytest.fixture(scope="module")
def past(trained_shop: Shop, files: dict[str, str]) -> dict[str, Any]:
    return compared(trained_shop, files["packaged"], files["cautious"], "--as-of", "2023-10-15")


def test_the_same_policy_changes_nothing(trained_shop: Shop, files: dict[str, str]) -> None:
    found = compared(trained_shop, files["packaged"], files["packaged"])
    assert found["changes"] == []
    assert found["unchanged"] == found["customers"]
    assert found["before"] == found["after"]
    nothing = {"cost_cents": 0} | {f"expected_profit_{name}cents": 0 for name in ("", "low_", "high_")}
    assert found["difference"] == nothing
    assert found["then"] is None


def test_who_changes_is_counted_and_adds_up(trained_shop: Shop, past: dict[str, Any]) -> None:
    found = past
    before, after, changes = found["before"], found["after"], found["changes"]
    assert found["unchanged"] + sum(change["customers"] for change in changes) == found["customers"]
    stopped = sum(change["customers"] for change in changes if change["to"] == "leave_alone")
    assert before["contacted"] - after["contacted"] == stopped > 0
    assert found["difference"]["cost_cents"] == after["cost_cents"] - before["cost_cents"] < 0
    profit = "expected_profit_cents"
    assert found["difference"][profit] == pytest.approx(after[profit] - before[profit], abs=1)
    assert sum(change["expected_profit_change_cents"] for change in changes) == pytest.approx(
        found["difference"][profit], abs=len(changes)
    )
    assert all(1 <= len(change["examples"]) <= 3 for change in changes)
    counts = [change["customers"] for change in changes]
    assert counts == sorted(counts, reverse=True)
    code = {row["code"] for row in json.loads(trained_shop.run("actions", "--as-of", "2023-10-15"))["actions"]}
    assert {change["from"] for change in changes} <= code


def test_a_past_day_says_what_then_happened(past: dict[str, Any]) -> None:
    found = past
    assert found["then"]["buyers_percent"] > 0
    assert found["then"]["buyers_percent"] == pytest.approx(found["then"]["expected_buyers_percent"], abs=8)
    orders = sum(change["then"]["orders"] for change in found["changes"])
    assert 0 < orders < found["then"]["orders"]


def test_what_both_believe_alike_is_one_unknown(trained_shop: Shop, files: dict[str, str]) -> None:
    cautious = compared(trained_shop, files["packaged"], files["cautious"])
    bold = compared(trained_shop, files["packaged"], files["bold"])

    def width(of: dict[str, Any]) -> int:
        return int(of["expected_profit_high_cents"] - of["expected_profit_low_cents"])

    assert width(cautious["difference"]) <= width(cautious["before"])
    assert width(bold["difference"]) > width(bold["after"])


def test_a_broken_policy_is_told(trained_shop: Shop, files: dict[str, str]) -> None:
    assert "line 2" in trained_shop.run("policy", "compare", files["packaged"], files["broken"], status=2)
