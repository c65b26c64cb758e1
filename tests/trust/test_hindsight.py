"""The past is answered by the newest model that was trained by then, or marked as hindsight."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.trust.test_odd_shops import SHOPS, imported

from customer_revenue.console import silent
from customer_revenue.periods import parse_day
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.customers.posted_orders import History, HistoryOrder
from customer_revenue.workflows.training.train import train

pytestmark = [pytest.mark.process, pytest.mark.filterwarnings("ignore")]  # MLflow asks git for the version


def test_the_past_is_answered_by_the_model_of_the_time(tmp_path: Path, tracking_store: Path) -> None:
    shutil.copy(tracking_store, tmp_path)
    settings = imported(tmp_path, SHOPS["three_customers"])
    old, new = (train(settings, day, silent) for day in (parse_day("2023-02-20"), None))
    old.check()
    new.check()
    answers = Answers.open(settings)
    wanted = {None: (new.version, False), "2023-02-25": (old.version, False), "2023-01-10": (new.version, True)}
    for day, (version, hindsight) in wanted.items():
        answer = answers.customer("c0", as_of=day)
        predictions = answer["predictions"]
        assert isinstance(predictions, dict)
        assert answer["meta"]["model_version"] == version  # type: ignore[index]
        assert predictions["hindsight"] is hindsight
        assert (predictions["hindsight_reason"] is not None) is hindsight
        assert answers.batch(["c0"], as_of=day)["customers"][0]["predictions"]["hindsight"] is hindsight  # type: ignore[index]
    history = History(
        customer_id="c0", orders=[HistoryOrder(total_cents=1_000, created_at="2023-01-05", status="paid")]
    )
    for day, (version, hindsight) in list(wanted.items())[1:]:
        posted = answers.scorer().score([history], day)
        assert posted["meta"]["model_version"] == version  # type: ignore[index]
        assert posted["customers"][0]["predictions"]["hindsight"] is hindsight  # type: ignore[index]
    customer = answers.find("c0", answers.when("2023-02-25"))
    curve = answers.detail.outlook(customer)["curve"]
    by_old, by_new = (
        round(float(result.predictor.as_of(customer.when.day).curve(customer.features(), [365])[0, 0]), 6)
        for result in (old, new)
    )
    assert curve[-1] == {"day": 365, "probability": by_old}  # type: ignore[index]
    assert by_old != by_new
    assert "no model was trained by 2023-01-10" in str(answers.customer("c0", as_of="2023-01-10")["predictions"])
    answers.close()
