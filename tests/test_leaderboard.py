"""The leaderboard: what it reads, scores and prints; the rivals themselves are not run here."""

from __future__ import annotations

import datetime as dt
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks.leaderboard_page import page
from benchmarks.leaderboard_runs import OURS, RIVALS, SCRIPTS, LeaderboardShop, Result, resolver_line
from benchmarks.leaderboard_scores import outcomes, scores, verdict

ORDERS = pd.DataFrame(
    {
        "customer_id": ["ann", "ann", "ann", "bob", "bob", "eve", "new"],
        "date": pd.to_datetime(
            ["2024-01-02", "2024-02-01", "2024-02-01", "2024-01-05", "2024-05-15", "2024-01-09", "2024-02-03"]
        ),
        "amount": [10.0, 4.0, 5.0, 7.0, 9.0, 3.0, 8.0],
    }
)
SHOP = LeaderboardShop("small", "Small", "nowhere", "2024-01-31", 90, lambda: ORDERS)


@pytest.fixture
def forecasts(tmp_path: Path) -> dict[str, str]:
    """Of 200 customers of whom half buy: one knows it, one has it the wrong way around, one is of money alone."""
    rng = np.random.default_rng(1)
    bought = np.arange(200) % 2
    ids = [f"c{place:03}" for place in range(200)]
    noise = rng.uniform(-0.1, 0.1, 200)
    right = {"purchases": bought + 0.1 + noise, "revenue": 10 * bought + 1 + noise, "probability": 0.1 + 0.8 * bought}
    wrong = {name: np.flip(values) for name, values in right.items()}
    quantiles = {f"purchases_{name}": bought for name in ("low", "median", "high")}
    frames: dict[str, dict[str, Any]] = {
        OURS: right | quantiles,
        "wrong": wrong,
        "money": {"revenue": right["revenue"]},
    }
    for name, columns in frames.items():
        pd.DataFrame({"customer_id": ids, **columns}).to_csv(tmp_path / f"{name}.csv", index=False)
    return {name: str(tmp_path / f"{name}.csv") for name in frames}


def test_what_happened_is_read_from_the_orders() -> None:
    known, happened = outcomes(ORDERS, SHOP)
    assert known.tolist() == ["ann", "bob", "eve"]
    assert happened.purchases.tolist() == [1.0, 0.0, 0.0]  # two orders of one day are one purchase; May is too late
    assert happened.revenue.tolist() == [9.0, 0.0, 0.0]


def test_cells_are_won_lost_or_empty_and_every_loss_is_printed(forecasts: dict[str, str]) -> None:
    ids = pd.Index([f"c{place:03}" for place in range(200)], name="customer_id")
    orders = pd.DataFrame({"customer_id": ids, "date": pd.Timestamp("2024-01-03"), "amount": 1.0})
    later = orders[1::2].assign(date=pd.Timestamp("2024-02-03"), amount=10.0)
    known, happened = outcomes(pd.concat([orders, later]), SHOP)
    scored = {name: scores(path, known, happened, 50) for name, path in forecasts.items()}
    ours, wrong, money = (scored[name] for name in (OURS, "wrong", "money"))
    assert ours.intervals["purchases"] == (1.0, 0.0)
    assert ours.whole["purchases_pinball"] == 0.0
    assert verdict("probability_log_loss", ours, wrong) == "won"
    assert verdict("probability_auc", wrong, ours) == "lost"
    assert verdict("purchases_mae", ours, money) == ""
    results = {name: Result(seconds=float(place), megabytes=1.0) for place, name in enumerate(scored)}
    results["broken"] = Result(problem="ValueError: no")
    table = {"small": (SHOP, len(known), results, {OURS: wrong, "right": ours})}
    results["right"] = Result(seconds=0.5, megabytes=0.5, version="1.0")
    text = page(table, {"far>=9": "needs Python 4"}, dt.date(2024, 6, 1), "2 cores", 7)
    assert "- log loss against right: " in text
    assert "- MB against right: 1 for 0" in text
    assert "- broken: ValueError: no" in text
    assert "- `far>=9`: needs Python 4" in text


def test_forecasts_of_others_or_of_no_number_are_refused(forecasts: dict[str, str], tmp_path: Path) -> None:
    known, happened = outcomes(ORDERS, SHOP)
    with pytest.raises(ValueError, match="200 forecasts of 3 customers"):
        scores(forecasts[OURS], known, happened, 1)
    pd.DataFrame({"customer_id": known, "revenue": [1.0, np.inf, 2.0]}).to_csv(tmp_path / "odd.csv", index=False)
    with pytest.raises(ValueError, match="1 forecasts are no numbers"):
        scores(str(tmp_path / "odd.csv"), known, happened, 1)


def test_the_resolver_s_reason_is_kept() -> None:
    text = "error: No solution found\n  cause: Because you have Python 3.11, far>=9 cannot be used.\n"
    assert resolver_line(text) == "Because you have Python 3.11, far>=9 cannot be used."
    assert resolver_line("error: offline\n") == "error: offline"


def test_every_rival_has_its_script_which_gets_the_past_alone() -> None:
    assert {path.stem for path in SCRIPTS.glob("*.py")} == {rival.script for rival in RIVALS} | {"rival_contract"}
    contract = runpy.run_path(str(SCRIPTS / "rival_contract.py"))
    features, happened, now = contract["windows"](ORDERS, pd.Timestamp("2024-02-03"), 20)
    assert features.index.tolist() == ["ann", "bob", "eve"]
    assert happened.loc["ann"].tolist() == [1.0, 9.0]
    assert now.loc["ann", "silence"] == 2.0


@pytest.mark.process
def test_a_script_writes_its_forecasts_and_says_what_it_took(tmp_path: Path) -> None:
    orders = ORDERS.loc[ORDERS.index.repeat(8)].assign(
        customer_id=lambda rows: rows["customer_id"] + rows.index.astype(str)
    )
    orders.to_csv(tmp_path / "orders.csv", index=False)
    command = [sys.executable, str(SCRIPTS / "rival_naive.py"), "orders.csv", "2024-02-05", "10", "found.csv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert set(pd.read_csv(tmp_path / "found.csv")) == {"customer_id", "purchases", "revenue", "probability"}
    assert '"seconds"' in done.stdout
    assert '"megabytes"' in done.stdout
