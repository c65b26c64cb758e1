"""Every shop gets a model that answers, however odd its orders are."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from customer_revenue.console import silent
from customer_revenue.errors import GateRefused, NotEnoughData
from customer_revenue.settings import ModelOptions, Settings, load_settings
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.import_orders import import_orders
from customer_revenue.workflows.registry.bundles import current_version, read_gate
from customer_revenue.workflows.registry.champion import promote
from customer_revenue.workflows.training.score import score
from customer_revenue.workflows.training.train import train

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # MLflow asks git for the version

FIRST_DAY = dt.date(2023, 1, 1)
DAYS = 700
FIGURES = ("estimated_ltv_cents", "next_purchase_probability", "expected_purchases", "revenue_high_cents")

Row = tuple[str, int, int, int]
"""Customer, day since the first, cents, and cents that came back."""


def usual(last_day: int = DAYS, cents: tuple[int, int] = (500, 9_000), refunded: float = 0.0) -> Iterator[Row]:
    """A shop of 400 customers who buy at their own rates until they leave."""
    rng = np.random.default_rng(5)
    for customer in range(400):
        day = int(rng.integers(0, DAYS // 2))
        gap, end = 1 / (rng.gamma(0.8, 1 / 40) + 1e-4), day + rng.exponential(300)
        while day < min(end, last_day):
            total = int(rng.integers(cents[0], cents[1] + 1))
            yield f"c{customer}", day, total, int(refunded * total)
            day += 1 + int(rng.exponential(gap))


SHOPS: dict[str, list[Row]] = {
    "no_revenue": list(usual(cents=(0, 0))),
    "no_order_for_20_months": list(usual(last_day=400)),
    "refunds_above_revenue": list(usual(refunded=1.0)),
    "one_day": [(f"c{n}", 0, 1_000 + n, 0) for n in range(150)],
    "one_order": [("c0", 0, 1_990, 0)],
    "one_loyal_customer": [("c0", day, 1_000 + day % 7, 0) for day in range(500)],
    "three_customers": [("c0", 0, 1_000, 0), ("c0", 40, 1_000, 0), ("c1", 60, 500, 0), ("c2", 90, 700, 0)],
}
LAST_DAYS = {"no_order_for_20_months": FIRST_DAY + dt.timedelta(days=400 + 610)}


@pytest.fixture
def folder(tmp_path: Path, tracking_store: Path) -> Path:
    shutil.copy(tracking_store, tmp_path)
    return tmp_path


def settings_in(folder: Path, as_of: dt.date | None = None) -> Settings:
    return load_settings(
        store=f"duckdb:///{folder}/orders.duckdb",
        models=folder / "models",
        tracking_uri=f"sqlite:///{folder}/mlflow.db",
        as_of=as_of,
        options=ModelOptions(trees=5, folds=1, windows=2, regularity=1),
    )


def imported(folder: Path, rows: list[Row], as_of: dt.date | None = None) -> Settings:
    lines = ["order_id,user_id,created_at,total_cents,status"]
    back = ["refund_id,user_id,created_at,amount_cents,order_id"]
    for n, (customer, day, cents, refund) in enumerate(rows):
        moment = f"{FIRST_DAY + dt.timedelta(days=day)}T10:00:00Z"
        lines.append(f"o{n},{customer},{moment},{cents},paid")
        if refund:
            back.append(f"r{n},{customer},{moment},{refund},o{n}")
            back.append(f"s{n},{customer},{moment},{refund},")  # what was paid elsewhere comes back too
    (folder / "orders.csv").write_text("\n".join(lines) + "\n")
    (folder / "refunds.csv").write_text("\n".join(back) + "\n")
    settings = settings_in(folder, as_of)
    files = [folder / "orders.csv", folder / "refunds.csv"]
    import_orders(settings, files if len(back) > 1 else files[:1], report=silent)
    return settings


@pytest.mark.parametrize("name", SHOPS)
def test_an_odd_shop_gets_a_model_that_answers(folder: Path, name: str) -> None:
    settings = imported(folder, SHOPS[name], LAST_DAYS.get(name))
    result = train(settings, None, silent)
    result.check()
    assert result.change is not None
    assert result.predictor.tier_reason_ in result.text()
    answers = Answers.open(settings)
    predictions = answers.customer("c0")["predictions"]
    assert isinstance(predictions, dict)
    assert all(predictions[figure] >= 0 for figure in FIGURES[1:]), predictions
    assert predictions["tier_reason"] == result.predictor.tier_reason_
    assert answers.batch(["c0"])["customers"]
    assert answers.model_card()["live_since"]
    for ask in ("actions", "offer", "retention", "upsell"):
        assert answers.advice("c0", lambda advisor, situation, ask=ask: getattr(advisor, ask)(situation))  # type: ignore[misc]
    assert answers.advice("c0", lambda advisor, situation: advisor.forecast(situation, 6))
    assert answers.detail.outlook(answers.find("c0", answers.when(None)))["curve"]
    answers.close()
    assert "customers as of" in score(settings, None, None, silent)


def test_a_shop_of_returns_only_has_facts_and_a_model(folder: Path) -> None:
    (folder / "refunds.csv").write_text("refund_id,user_id,created_at,amount_cents\nr1,a,2024-01-05T10:00:00Z,500\n")
    settings = settings_in(folder)
    import_orders(settings, [folder / "refunds.csv"], report=silent)
    result = train(settings, None, silent)
    result.check()
    assert "no customer has an order yet" in result.text()
    answer = Answers.open(settings).customer("a")
    assert answer["predictions"] is None
    with pytest.raises(NotEnoughData, match="2020-01-01"):
        train(settings, dt.date(2020, 1, 1), silent)


def test_a_first_training_on_an_odd_feed_warns_and_a_later_one_is_refused(folder: Path) -> None:
    holiday = [row for row in usual() if row[1] != DAYS - 3]
    daily = [(f"d{day % 300}", day, 1_500, 0) for day in range(DAYS) if day != DAYS - 3 for _ in range(40)]
    settings = imported(folder, [*holiday, *daily])
    first = train(settings, None, silent)
    first.check()
    verdict = read_gate(first.folder)
    assert verdict is not None
    assert any(text.startswith("0 orders on") for text in verdict.warnings)
    assert verdict.refusals == ()
    assert "WARNING 0 orders on" in first.text()
    assert "first model, though" in first.predictor.tier_reason_
    assert current_version(settings.models) == first.version
    second = train(settings, None, silent)
    with pytest.raises(GateRefused) as caught:
        second.check()
    assert any(text.startswith("0 orders on") for text in caught.value.details)
    assert current_version(settings.models) == first.version
    with pytest.raises(GateRefused):
        promote(settings.registry, second.version)


def test_a_champion_that_cannot_be_read_does_not_keep_a_shop_without_a_model(folder: Path) -> None:
    settings = imported(folder, SHOPS["three_customers"])
    broken = train(settings, None, silent)
    (broken.folder / "manifest.json").write_text("{}")
    mended = train(settings, None, silent)
    mended.check()
    assert mended.verdict == replace(mended.verdict, first=True) if mended.verdict else False
    assert current_version(settings.models) == mended.version
