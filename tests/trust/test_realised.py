"""Realised against predicted: what is wrong is named, and noise is not called decay."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from customer_revenue.monitoring.bands import ranking_band, ratio_band, risk_per_figure, share_band
from customer_revenue.monitoring.realised import EVERYONE, RealisedGroup, realised
from customer_revenue.policy import Monitoring, load_policy
from customer_revenue.tables import PREDICTION_LOG_SCHEMA

DAY = dt.date(2023, 5, 3)
SPEND_CENTS = 2_000.0


@pytest.fixture(scope="module")
def policy() -> Monitoring:
    return load_policy().monitoring


def predicted_and_actual(
    customers: int, seed: int, wrong: float = 1.0, segment: str = "low_value"
) -> tuple[pa.Table, pa.Table]:
    """Predictions of one who knows each customer's rate, and what customers with ``wrong`` times that rate do."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(0.7, 0.6, customers)
    count = rng.poisson(rate * wrong)
    money = np.round(count * rng.gamma(2, SPEND_CENTS / 2, customers))
    names = [f"{segment}-{seed}-{n}" for n in range(customers)]
    columns = {
        "customer_id": names,
        "as_of": [DAY] * customers,
        "horizon_days": [30] * customers,
        "model_version": ["v1"] * customers,
        "store_id": ["shop"] * customers,
        "segment": [segment] * customers,
        "purchase_probability": 1 - np.exp(-rate),
        "expected_purchases": rate,
        "purchases_low": [0] * customers,
        "purchases_high": np.ceil(rate + 2 * np.sqrt(rate)).astype(int),
        "expected_revenue_cents": rate * SPEND_CENTS,
        "revenue_low_cents": np.zeros(customers),
        "revenue_high_cents": np.full(customers, 1e9),
        "interval_mass": np.full(customers, 0.95),
        "predicted_at": [dt.datetime(2023, 5, 3, 12, tzinfo=dt.UTC)] * customers,
        "source": ["score"] * customers,
    }
    happened = pa.table({"customer_id": names, "purchases": count, "revenue_cents": money})
    return pa.table(columns, schema=PREDICTION_LOG_SCHEMA), happened


def look(policy: Monitoring, *pairs: tuple[pa.Table, pa.Table]) -> dict[str, RealisedGroup]:
    logged = pa.concat_tables(one for one, _ in pairs)
    happened = pa.concat_tables(other for _, other in pairs)
    return {group.segment: group for group in realised(logged, {(DAY, 30): happened}, policy)}


def test_what_holds_raises_no_alarm_however_often_it_is_looked_at(policy: Monitoring) -> None:
    alarms = [
        a for seed in range(50) for g in look(policy, predicted_and_actual(1_500, seed)).values() for a in g.alarms
    ]
    assert alarms == []


def test_few_customers_are_noise_and_not_decay(policy: Monitoring) -> None:
    groups = [look(policy, predicted_and_actual(110, seed))[EVERYONE] for seed in range(200)]
    assert not any(group.alarms for group in groups)
    rash = policy.model_copy(update={"false_alarms_per_year": 0.05 * len(groups), "looks_per_year": 1})
    assert any(look(rash, predicted_and_actual(110, seed))[EVERYONE].alarms for seed in range(200)), (
        "else this shows nothing"
    )


@pytest.mark.parametrize("wrong", [0.5, 2.0])
def test_what_is_wrong_is_named(policy: Monitoring, wrong: float) -> None:
    group = look(policy, predicted_and_actual(3_000, 1, wrong))[EVERYONE]
    assert {"buyers", "purchases", "revenue"} <= set(group.alarms)
    assert group.bands["purchases"].value == pytest.approx(wrong, abs=0.15)


def test_one_segment_that_is_wrong_is_found_among_others(policy: Monitoring) -> None:
    groups = look(policy, predicted_and_actual(20_000, 1), predicted_and_actual(1_500, 2, wrong=0.4, segment="whale"))
    assert "purchases" in groups["whale"].alarms
    assert groups["low_value"].alarms == ()
    assert groups[EVERYONE].alarms == ()


def test_intervals_that_do_not_hold_raise_an_alarm(policy: Monitoring) -> None:
    logged, happened = predicted_and_actual(2_000, 1)
    place = logged.schema.get_field_index("purchases_high")
    narrow = logged.set_column(place, PREDICTION_LOG_SCHEMA.field(place), pa.array(np.zeros(2_000, np.int64)))
    group = look(policy, (narrow, happened))[EVERYONE]
    assert group.alarms == ("purchases_coverage",)


def test_only_a_customers_first_prediction_of_a_week_counts(policy: Monitoring) -> None:
    logged, happened = predicted_and_actual(500, 1)
    later = logged.set_column(
        1, PREDICTION_LOG_SCHEMA.field("as_of"), pa.array([DAY + dt.timedelta(2)] * 500, pa.date32())
    )
    outcomes = {(DAY, 30): happened, (DAY + dt.timedelta(2), 30): happened}
    groups = realised(pa.concat_tables([later, logged]), outcomes, policy)
    assert {group.customers for group in groups} == {500}
    assert {group.week for group in groups} == {dt.date(2023, 5, 1)}


def test_a_customer_whom_the_store_does_not_know_any_more_is_left_out(policy: Monitoring) -> None:
    logged, happened = predicted_and_actual(500, 1)
    assert look(policy, (logged, happened.slice(100)))[EVERYONE].customers == 400
    assert realised(logged, {}, policy) == []


def test_bands_hold_as_often_as_they_say() -> None:
    rng = np.random.default_rng(3)
    held = {"ratio": 0, "share": 0, "ranking": 0}
    for _ in range(300):
        rate = rng.gamma(0.7, 0.6, 1_000)
        p = 1 - np.exp(-rate)
        bought = rng.random(1_000) < p
        ratio, share = ratio_band(bought.astype(float), p, 0.1), share_band(rng.random(1_000) < 0.9, 0.1)
        ranking = ranking_band(bought, p, 0.1)
        held["ratio"] += ratio.low <= 1 <= ratio.high
        held["share"] += share.low <= 0.9 <= share.high
        held["ranking"] += ranking.low <= AREA <= ranking.high
    assert all(250 <= number <= 300 for number in held.values()), held  # 270 on average; 5 standard deviations are 26


def _area() -> float:
    """The area under the curve of these customers, of very many."""
    rng = np.random.default_rng(4)
    p = 1 - np.exp(-rng.gamma(0.7, 0.6, 400_000))
    return ranking_band(rng.random(400_000) < p, p, 0.1).value


AREA = _area()


def test_more_figures_and_more_looks_make_wider_bands() -> None:
    assert risk_per_figure(0.1, 365, 10) > risk_per_figure(0.1, 365, 100) > risk_per_figure(0.1, 3650, 100)
    one, other = (ratio_band(np.array([1.0, 0.0, 2.0]), np.ones(3), risk) for risk in (0.1, 0.001))
    assert other.low <= one.low < one.value < one.high < other.high
