"""What must always hold of the public predictor, whatever the customer."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_revenue.errors import NotEnoughData
from customer_revenue.modeling.comparators import member_forecasts
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.modeling.purchase_histories import column
from customer_revenue.modeling.tiers import Tier

from .conftest import AS_OF, HORIZON_DAYS, shop_of, simulated_orders

MONEY = ("expected_revenue_cents", "expected_net_revenue_cents", "estimated_ltv_cents", "revenue_high_cents")
DAYS = [1.0, 7.0, 30.0, 60.0, 90.0, 180.0, 365.0, 3_650.0, np.inf]


@st.composite
def rows(draw: st.DrawFn) -> pa.Table:
    """The feature rows of some arbitrary customers, made by the feature query itself."""
    orders: dict[str, list[Any]] = {name: [] for name in ("user_id", "created_at", "total_cents", "status")}
    for customer in range(draw(st.integers(1, 8))):
        n = draw(st.integers(1, 12))
        days = sorted(draw(st.lists(st.integers(0, 395), min_size=n, max_size=n)))
        orders["user_id"] += [f"any {customer}"] * n
        orders["created_at"] += [dt.datetime(2022, 1, 1, 9) + dt.timedelta(days=day) for day in days]
        orders["total_cents"] += draw(st.lists(st.integers(0, 5_000_000), min_size=n, max_size=n))
        orders["status"] += draw(st.lists(st.sampled_from(["paid", "refunded"]), min_size=n, max_size=n))
    columns = orders | {
        "id": [f"x{n}" for n in range(len(orders["user_id"]))],
        "created_at": pa.array(orders["created_at"], pa.timestamp("us")),
        "total_cents": pa.array(orders["total_cents"], pa.int64()),
    }
    return shop_of(pa.table(columns)).features()


ANY_CUSTOMERS = settings(max_examples=7, deadline=None, suppress_health_check=list(HealthCheck))


@ANY_CUSTOMERS
@given(rows=rows())
def test_every_answer_is_sound(predictor, rows):
    answers = predictor.predict(rows).to_pylist()
    for answer, curve in zip(answers, predictor.curve(rows, DAYS), strict=True):
        is_sound(answer, curve)


def is_sound(answer, curve):
    assert np.all(np.diff(curve) >= -1e-12)
    assert np.all((curve >= 0) & (curve <= answer["probability_alive"]))
    assert answer["probability_alive"] == curve[-1] < 1
    assert answer["churn_risk_score"] == 1 - curve[DAYS.index(90.0)]
    assert answer["next_purchase_probability"] == curve[DAYS.index(30.0)]
    assert answer["expected_purchases"] >= answer["purchase_probability"]
    assert all(answer[name] >= 0 for name in ("expected_revenue_cents", "expected_net_revenue_cents"))
    assert answer["interval_mass"] == 0.8
    assert answer["purchases_low"] <= answer["purchases_median"] <= answer["purchases_high"]
    assert 0 <= answer["revenue_low_cents"] <= answer["revenue_median_cents"] <= answer["revenue_high_cents"]
    assert answer["ltv_low_cents"] <= answer["ltv_median_cents"] <= answer["ltv_high_cents"]
    if answer["interval_note"] is None:
        assert answer["purchases_low"] <= answer["expected_purchases"] <= answer["purchases_high"]
        assert answer["revenue_low_cents"] <= answer["expected_revenue_cents"] <= answer["revenue_high_cents"]
        assert answer["ltv_low_cents"] <= answer["estimated_ltv_cents"] <= answer["ltv_high_cents"]
    elif answer["purchase_probability"] < 0.5:
        assert answer["interval_note"].startswith("most likely nothing")
    if answer["purchase_probability"] >= 0.1:
        assert answer["purchases_low"] <= answer["expected_purchases"] <= answer["purchases_high"]
    dates = [answer[f"next_purchase_date{suffix}"] for suffix in ("_low", "", "_high")]
    assert AS_OF < dates[0] <= dates[1] <= dates[2]


@ANY_CUSTOMERS
@given(rows=rows(), horizon=st.integers(1, 1_000))
def test_expected_purchases_grow_with_the_horizon(predictor, rows, horizon):
    now, later = (predictor.predict(rows, days) for days in (horizon, horizon + 30))
    for name in ("expected_purchases", "expected_revenue_cents", "purchase_probability"):
        assert np.all(column(later, name) >= column(now, name)), name


@ANY_CUSTOMERS
@given(rows=rows())
def test_the_date_is_the_median_within_the_horizon(predictor, rows):
    answers = predictor.predict(rows).to_pylist()
    days = sorted({(answer["next_purchase_date"] - AS_OF).days + n for answer in answers for n in (-1, 0)})
    for answer, curve in zip(answers, predictor.curve(rows, days), strict=True):
        at = days.index((answer["next_purchase_date"] - AS_OF).days)
        half = answer["purchase_probability"] / 2
        assert curve[at - 1] <= half + 1e-9
        assert curve[at] >= half - 1e-9


def test_one_customer_gets_the_row_of_the_batch(predictor, shop):
    features = shop.features()
    batch = predictor.predict(features)
    for i in (0, 17, 800):
        (alone,), (among,) = predictor.predict(features.slice(i, 1)).to_pylist(), batch.slice(i, 1).to_pylist()
        numbers = {name: value for name, value in among.items() if isinstance(value, float)}
        assert {name: alone[name] for name in numbers} == pytest.approx(numbers, rel=1e-9)
        assert {name: alone[name] for name in among.keys() - numbers.keys()} == {
            name: among[name] for name in among.keys() - numbers.keys()
        }


def test_the_order_of_the_rows_changes_nothing(predictor, shop):
    features = shop.features()
    backwards = np.arange(features.num_rows)[::-1]
    a, b = predictor.predict(features), predictor.predict(features.take(backwards))
    for name in ("expected_purchases", "estimated_ltv_cents", "churn_risk_score"):
        np.testing.assert_allclose(column(a, name)[backwards], column(b, name), rtol=1e-9)


def test_another_unit_of_money_scales_money_and_nothing_else(fitted):
    one, predictor = fitted(400)
    hundred = shop_of(simulated_orders(400, 396, 3), unit=100)
    a, b = predictor.predict(one.features()), hundred.predictor().predict(hundred.features())
    for name in MONEY:
        np.testing.assert_allclose(column(b, name), column(a, name) * 100, rtol=0.01, atol=200)
    for name in ("expected_purchases", "purchase_probability", "churn_risk_score", "probability_alive"):
        np.testing.assert_allclose(column(b, name), column(a, name), rtol=1e-3, atol=1e-6)


def test_one_time_buyers_are_not_taken_for_alive(predictor, shop):
    features = shop.features()
    once = column(features, "frequency") == 0
    alive = column(predictor.predict(features), "probability_alive")[once]
    assert np.all(alive < 1)
    silence = column(features, "silence_days")[once]
    assert alive[silence > 250].mean() < alive[silence < 170].mean()


def test_the_sum_of_customers_is_near_what_happens(make_shop):
    shop = make_shop(customers=2_500, seed=11)
    cutoff = AS_OF - dt.timedelta(days=HORIZON_DAYS)
    predicted = shop.predictor(cutoff).predict(shop.features(cutoff))
    actual = shop.labels(cutoff, (HORIZON_DAYS,))
    total = column(actual, f"purchases_{HORIZON_DAYS}").sum()
    assert column(predicted, "expected_purchases").sum() == pytest.approx(total, rel=0.15)


def test_training_again_gives_the_same_answers(predictor, shop):
    again = shop.predictor()
    assert again.predict(shop.features()).equals(predictor.predict(shop.features()))


def test_any_horizon_can_be_asked_for(predictor, shop):
    few = shop.features().slice(0, 50)
    p30, p90 = (column(predictor.predict(few, days), "purchase_probability") for days in (30, 90))
    curve = predictor.curve(few, [30, 90])
    np.testing.assert_array_equal(np.column_stack([p30, p90]), curve)


def test_reasons_are_words_with_the_customers_numbers(predictor, shop):
    features = shop.features().slice(0, 40)
    reasons = predictor.reasons(predictor.reason_inputs(features))
    assert len(reasons) == 40
    assert reasons == predictor.reasons(predictor.reason_inputs(features))
    for row, words in zip(features.to_pylist(), reasons, strict=True):
        assert len(words) <= 3
        assert all(
            line.endswith(("higher risk than the average customer", "lower risk than the average customer"))
            for line in words
        )
        assert all(str(row["silence_days"]) in line for line in words if line.startswith("no purchase for"))


def test_predictions_and_the_inputs_of_their_reasons_come_from_one_pass(predictor, shop):
    features = shop.features().slice(0, 40)
    table, inputs = predictor.predict_with_reasons(features)
    assert table.equals(predictor.predict(features))
    assert predictor.reasons(inputs) == predictor.reasons(predictor.reason_inputs(features))


def test_each_member_of_the_ensemble_is_a_forecast_without_a_date(predictor, shop):
    features = shop.features().slice(0, 40)
    found = member_forecasts(predictor, features, HORIZON_DAYS)
    members = predictor.members(features, HORIZON_DAYS)
    assert set(found) == set(members)
    for name, forecast in found.items():
        purchases, revenue, probability = members[name]
        np.testing.assert_array_equal(forecast.purchases, purchases)
        np.testing.assert_array_equal(forecast.revenue, revenue)
        np.testing.assert_array_equal(forecast.probability, probability)
        assert forecast.next_days.dtype == np.float64
        assert np.isposinf(forecast.next_days).all()


@pytest.mark.parametrize(
    ("customers", "tier"), [(8, Tier.POPULATION), (80, Tier.PROBABILITY_MODELS), (1_200, Tier.FULL)]
)
def test_thin_data_get_a_tier_with_a_reason(fitted, customers, tier):
    shop, predictor = fitted(customers)
    assert predictor.tier_ is tier
    assert predictor.tier_reason_
    answers = predictor.predict(shop.features())
    assert set(answers.column("tier").to_pylist()) == {str(tier)}
    assert np.all(np.isfinite(column(answers, "estimated_ltv_cents")))
    assert all(predictor.reasons(predictor.reason_inputs(shop.features())))


def test_without_repeats_a_typical_shop_answers(make_shop):
    features = make_shop(customers=60).features()
    once = features.filter(np.asarray(features.column("frequency")) == 0)
    predictor = Predictor(AS_OF).fit(once)
    assert predictor.tier_ is Tier.POPULATION
    assert "no customer has bought on two days" in predictor.tier_reason_
    answers = predictor.predict(once)
    chance = column(answers, "purchase_probability")
    assert np.all((chance > 0) & (chance < 0.5))
    alone = column(Predictor(AS_OF).fit(once.slice(0, 1)).predict(once.slice(0, 1)), "purchase_probability")
    assert alone > chance[0], "60 customers who did not return say more than one"


def test_windows_in_which_nobody_bought_or_paid_teach_nothing(shop):
    windows = shop.windows()
    for name in ("purchases", "revenue_cents"):
        silent = [replace(w, labels=_without(w.labels, name)) for w in windows]
        predictor = Predictor(AS_OF, HORIZON_DAYS).fit(shop.features(), silent)
        assert predictor.tier_ is Tier.PROBABILITY_MODELS
        assert "only 0 customers with" in predictor.tier_reason_


def _without(labels: pa.Table, name: str) -> pa.Table:
    """Labels in which nothing of a name happened."""
    for place, column_name in enumerate(labels.column_names):
        if column_name.startswith(f"{name}_"):
            nothing = pa.array([0] * labels.num_rows, labels.schema.field(place).type)
            labels = labels.set_column(place, column_name, nothing)
    return labels


def test_without_customers_there_is_nothing_to_fit(shop):
    with pytest.raises(NotEnoughData):
        Predictor(AS_OF).fit(shop.features().slice(0, 0))


def test_what_came_back_is_not_expected_to_stay(shop, predictor):
    rows = shop.features()
    refunds = rows.column_names.index("refund_cents")
    returned = rows.set_column(refunds, "refund_cents", rows.column("total_cents"))
    kept = rows.set_column(refunds, "refund_cents", pa.array([0] * rows.num_rows, rows.schema.field(refunds).type))
    largest = int(np.argmax(rows.column("total_cents").to_numpy()))
    gone, stays = (predictor.predict(table).slice(largest, 1).to_pylist()[0] for table in (returned, kept))
    assert 0 <= gone["expected_net_revenue_cents"] < 0.25 * gone["expected_revenue_cents"]
    assert stays["expected_net_revenue_cents"] > gone["expected_net_revenue_cents"]
