"""The benchmark of learned uplift: effects that are planted are found, and its intervals hold what they should."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks.hillstrom import MAIL_COST, MailTest, ends, main, repetition, report, uplift_of, weights

from customer_revenue.actions.learned_uplift import doubly_robust, learned_uplift

CUSTOMERS = 6_000


def planted(effect: float, seed: int = 1) -> MailTest:
    """A test whose mail brings visits and spend to customers with a feature above 1/2, and nothing to the others."""
    rng = np.random.default_rng(seed)
    features = rng.random((CUSTOMERS, 3))
    mailed = rng.random(CUSTOMERS) < 0.5
    visits = (rng.random(CUSTOMERS) < 0.2 + effect * mailed * (features[:, 0] > 0.5)).astype(float)
    return MailTest(features, rng.random(CUSTOMERS), mailed, visits, visits)


def test_scores_have_the_effect_as_their_mean_however_wrong_the_expectations() -> None:
    test = planted(0.4)
    own = 0.4 * (test.features[:, 0] > 0.5)
    for expected in (np.column_stack([np.full(CUSTOMERS, 0.2), 0.2 + own]), np.full((CUSTOMERS, 2), 0.9)):
        scores = doubly_robust(test.visit, test.mailed, expected)
        assert scores.mean() == pytest.approx(0.2, abs=4 * scores.std() / np.sqrt(CUSTOMERS))


def test_a_planted_effect_is_found_where_it_is() -> None:
    test, rng = planted(0.4), np.random.default_rng(2)
    found = learned_uplift(test.features, test.visit, test.mailed, test.features, rng)
    gets = test.features[:, 0] > 0.5
    assert found[gets].mean() == pytest.approx(0.4, abs=0.08)
    assert found[~gets].mean() == pytest.approx(0, abs=0.08)


def test_the_best_tenth_and_the_policy_are_of_other_customers_than_were_learned_from() -> None:
    test = planted(0.5)
    found = repetition(test, 1)
    assert found.best.mean() == pytest.approx(0.1, abs=0.002)
    assert (test.features[found.best, 0] > 0.5).mean() > 0.95
    assert found.worth_a_mail.mean() == pytest.approx(0.5, abs=0.1)
    weight = weights(CUSTOMERS)
    assert uplift_of(found.best, test, weight)[0] > 0.35
    learned, everyone = (
        float((chosen * (found.score - MAIL_COST)).mean()) for chosen in (found.worth_a_mail, np.ones(CUSTOMERS))
    )
    assert learned > everyone
    assert learned == pytest.approx(0.5 * (0.5 - MAIL_COST), abs=0.04)
    lines = report(test, "mens", 1)
    assert "| mens | learned less past spend, paired | 0." in lines
    assert "| mens | visit uplift of the best tenth, learned | 0." in lines


def test_nothing_planted_is_nothing_found() -> None:
    test = planted(0.0)
    low, high = ends(uplift_of(repetition(test, 1).best, test, weights(CUSTOMERS)))
    assert low < 0 < high


def test_without_the_data_it_says_so_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOMER_REVENUE_TEST_DATA", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["hillstrom"])
    with pytest.raises(SystemExit, match=r"^CUSTOMER_REVENUE_TEST_DATA names no folder with hillstrom.parquet$"):
        main()
