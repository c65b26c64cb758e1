"""Learned uplift on a randomised test: a doubly robust learner on Hillstrom's e-mails, beside past spend and chance.

    CUSTOMER_REVENUE_TEST_DATA=... python -m benchmarks.hillstrom
    CUSTOMER_REVENUE_TEST_DATA=... python -m benchmarks.hillstrom --repetitions 2 --emails mens

64,000 customers got an e-mail about men's goods, one about women's, or none, at random (K. Hillstrom, MineThatData
E-Mail Analytics Challenge, 2008). Each e-mail is compared with none. A doubly robust learner (Kennedy, Electronic
Journal of Statistics 17, 2023) ranks customers who are in another fold than those it learned from: 20 repetitions of 5
folds, with one setting of LightGBM, not chosen on these data; the learner is that of ``campaign report``. Intervals are
of 95 %, from a Bayesian bootstrap of the customers, paired where two rankings are compared; repetitions are averaged.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from customer_revenue.actions.learned_uplift import UPLIFT_FOLDS, doubly_robust, expected_outcomes, learned_uplift
from customer_revenue.arrays import Floats, Marks

BEST_SHARE = 0.1
MAIL_COST = 0.15
DRAWS = 1_000
EMAILS = {"mens": "Mens E-Mail", "womens": "Womens E-Mail"}
NUMBERS = ("recency", "history", "mens", "womens", "newbie")
WORDS = ("zip_code", "channel")


@dataclass(frozen=True)
class MailTest:
    """One e-mail against none.

    Args:
        features: of each customer, one row each.
        past_spend: dollars in the year before.
        mailed: who got the e-mail.
        visit: 1 for those who came within two weeks.
        spend: dollars within two weeks.
    """

    features: Floats
    past_spend: Floats
    mailed: Marks
    visit: Floats
    spend: Floats


def read_test(path: Path, email: str) -> MailTest:
    """The customers of one e-mail and of none."""
    table = pq.read_table(path)
    segment = np.array(table["segment"].to_pylist())
    kept = np.isin(segment, [EMAILS[email], "No E-Mail"])
    columns = {name: np.array(table[name].to_pylist())[kept] for name in table.column_names}
    words = [columns[name] == word for name in WORDS for word in np.unique(columns[name])]
    features = np.column_stack([columns[name] for name in NUMBERS] + words).astype(np.float64)
    mailed = columns["segment"] == EMAILS[email]
    history, visit, spend = (columns[name].astype(np.float64) for name in ("history", "visit", "spend"))
    return MailTest(features, history, mailed, visit, spend)


@dataclass(frozen=True)
class Repetition:
    """What one repetition found out about each customer, from those of other folds.

    Args:
        best: whether they are in the best tenth of their fold by the learned effect on visits.
        best_by_spend: the same by past spend.
        worth_a_mail: whether the learned effect on spend is above the cost of a mail.
        score: doubly robust score of the effect on spend, in dollars.
    """

    best: Marks
    best_by_spend: Marks
    worth_a_mail: Marks
    score: Floats


def repetition(test: MailTest, seed: int) -> Repetition:
    """One cross-fitting over :data:`UPLIFT_FOLDS` folds."""
    rng, count = np.random.default_rng(seed), len(test.visit)
    folds = rng.permutation(count) % UPLIFT_FOLDS
    best, by_spend, worth = np.zeros((3, count), np.bool_)
    score = np.zeros(count)
    for fold in range(UPLIFT_FOLDS):
        known, asked = folds != fold, np.flatnonzero(folds == fold)
        features, mailed, others = test.features[known], test.mailed[known], test.features[asked]
        best[asked[top(learned_uplift(features, test.visit[known], mailed, others, rng), rng)]] = True
        by_spend[asked[top(test.past_spend[asked], rng)]] = True
        worth[asked] = learned_uplift(features, test.spend[known], mailed, others, rng) > MAIL_COST
        expected = expected_outcomes(features, test.spend[known], mailed, others, int(rng.integers(2**31)))
        score[asked] = doubly_robust(test.spend[asked], test.mailed[asked], expected)
    return Repetition(best, by_spend, worth, score)


def top(ranking: Floats, rng: np.random.Generator) -> np.ndarray:
    """The places of the best tenth; equals in random order."""
    order = np.lexsort((rng.random(len(ranking)), -ranking))
    return order[: round(BEST_SHARE * len(ranking))]


def weights(count: int, seed: int = 1) -> Floats:
    """The customers' weights of each draw of a Bayesian bootstrap, after equal ones."""
    drawn = np.random.default_rng(seed).exponential(size=(DRAWS, count)).astype(np.float32)
    return np.vstack([np.ones((1, count), np.float32), drawn])


def uplift_of(chosen: Marks, test: MailTest, weight: Floats) -> Floats:
    """Visits of the mailed less those of the others among some customers, by draw."""
    arms = [(chosen & arm).astype(np.float32) for arm in (test.mailed, ~test.mailed)]
    means = [weight @ (arm * test.visit.astype(np.float32)) / (weight @ arm) for arm in arms]
    return np.asarray(means[0] - means[1], np.float64)


def interval(drawn: Floats, digits: int = 3) -> str:
    """The estimate, which is the first, with the interval of the draws after it."""
    low, high = np.quantile(drawn[1:], (0.025, 0.975))
    return f"{drawn[0]:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def ends(drawn: Floats) -> tuple[float, float]:
    """The ends of the interval."""
    low, high = np.quantile(drawn[1:], (0.025, 0.975))
    return float(low), float(high)


def report(test: MailTest, email: str, repetitions: int) -> str:
    """What was found of one e-mail, in lines of Markdown."""
    found = [repetition(test, seed) for seed in range(repetitions)]
    weight = weights(len(test.visit))
    learned = np.mean([uplift_of(one.best, test, weight) for one in found], axis=0)
    by_spend = np.mean([uplift_of(one.best_by_spend, test, weight) for one in found], axis=0)
    everyone = uplift_of(np.ones(len(test.visit), np.bool_), test, weight)
    total = weight.sum(axis=1)
    gains = [((one.score - MAIL_COST).astype(np.float32), one.worth_a_mail) for one in found]
    policy = np.mean([weight @ (gain * worth) / total for gain, worth in gains], axis=0)
    to_all = np.mean([weight @ gain / total for gain, _ in gains], axis=0)
    mailed = float(np.mean([one.worth_a_mail.mean() for one in found]))
    overlap = ends(policy)[0] <= ends(to_all)[1] and ends(to_all)[0] <= ends(policy)[1]
    rows = (
        ("visit uplift of the best tenth, learned", interval(learned)),
        ("by past spend", interval(by_spend)),
        ("at random", interval(everyone)),
        ("learned less past spend, paired", interval(learned - by_spend)),
        (f"dollars per customer, mailing {100 * mailed:.0f} % of them by the learned effect", interval(policy)),
        ("dollars per customer, mailing everybody", interval(to_all)),
        ("learned less everybody, paired", interval(policy - to_all)),
        ("the two values' intervals", "overlap" if overlap else "do not overlap"),
    )
    return "\n".join(f"| {email} | {name} | {value} |" for name, value in rows)


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--emails", nargs="+", choices=EMAILS, default=[*EMAILS])
    asked = parser.parse_args()
    path = Path(os.environ.get("CUSTOMER_REVENUE_TEST_DATA", "")) / "hillstrom.parquet"
    if not path.is_file():
        sys.exit("CUSTOMER_REVENUE_TEST_DATA names no folder with hillstrom.parquet")
    print("| e-mail | | |\n|---|---|---|")
    for email in asked.emails:
        print(report(read_test(path, email), email, asked.repetitions), flush=True)


if __name__ == "__main__":
    main()
