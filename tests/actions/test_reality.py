"""Online Retail, cut at a date: the policy's groups are followed through the 90 days that came."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from customer_revenue.actions.decide import decide, promise_scale
from customer_revenue.actions.offers import offers
from customer_revenue.actions.predictive_revenue import Predictive
from customer_revenue.actions.recommend import recommend
from customer_revenue.actions.situations import Situations
from customer_revenue.actions.terms import Terms
from customer_revenue.orders.store import open_store
from customer_revenue.policy import Policy
from customer_revenue.revenue.summary import summary
from customer_revenue.settings import load_settings
from customer_revenue.workflows.evaluation.fold import new_predictor
from customer_revenue.workflows.feature_rows import feature_rows, label_rows, training_windows
from customer_revenue.workflows.import_orders import import_orders
from customer_revenue.workflows.known_tables import known_at

CUTOFF = dt.date(2011, 9, 9)
HORIZON_DAYS = 90


@dataclass(frozen=True)
class Followed:
    """Situations at the cut-off, and what came: whether each customer bought, and for how much."""

    situations: Situations
    bought: npt.NDArray[np.bool_]
    revenue_cents: npt.NDArray[np.float64]
    predictions: pa.Table

    def rate(self, group: npt.NDArray[np.bool_]) -> float:
        return float(self.bought[group].mean())


@pytest.fixture(scope="module")
def followed(online_retail: Path, policy: Policy, tmp_path_factory: pytest.TempPathFactory) -> Followed:
    folder = tmp_path_factory.mktemp("reality")
    settings = load_settings(store=f"duckdb:///{folder}/orders.duckdb", models=folder / "models")
    import_orders(settings, [online_retail], report=lambda *_: None)
    with open_store(settings.store, settings.store_options) as store:
        when = store.as_of(CUTOFF)
        features = feature_rows(store, when)
        windows = training_windows(store, when, settings.ltv_horizon_days)
        predictor = new_predictor(settings.fit_options, CUTOFF, settings.ltv_horizon_days).fit(features, windows)
        as_of_day = ibis.literal(CUTOFF, type="date")
        assert isinstance(as_of_day, ibis.expr.types.DateScalar)
        facts = store.prepare(summary(known_at(store, when), None, as_of_day, policy), ()).run()
        labels = label_rows(store, CUTOFF, [HORIZON_DAYS], features.column("customer_id"))
    situations = Situations.of(facts, predictor.predict(features))
    ahead = predictor.predict(features, HORIZON_DAYS)
    predictions = ahead.take(pc.index_in(situations.facts["customer_id"], value_set=ahead["customer_id"]))
    place = {customer: n for n, customer in enumerate(labels["customer_id"].to_pylist())}
    order = [place[customer] for customer in situations.customer_id]
    purchases = labels[f"purchases_{HORIZON_DAYS}"].to_numpy()[order]
    revenue = labels[f"revenue_cents_{HORIZON_DAYS}"].to_numpy()[order].astype(np.float64)
    return Followed(situations, purchases > 0, revenue, predictions)


def test_safe_due_overdue_and_at_risk_customers_really_differ(followed: Followed, policy: Policy) -> None:
    timing = followed.situations.timing(policy.actions)
    risk = followed.situations.risk_level(policy.actions)
    groups = [risk == "low", timing == "due", timing == "overdue", risk == "high"]
    rates = [followed.rate(group) for group in groups]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] - rates[-1] > 0.4
    assert all(group.sum() > 100 for group in groups)


def test_actions_go_to_those_who_might_not_have_come(followed: Followed, policy: Policy) -> None:
    decisions = decide(followed.situations, policy, Terms(scale=promise_scale(followed.situations, policy)))
    acted = decisions.acts
    assert 0.2 < acted.mean() < 0.85
    assert followed.rate(acted) < followed.rate(~acted)
    assert followed.situations.soon[acted].max() < 0.6
    assert np.average(followed.situations.soon[acted], weights=decisions.gain_cents[acted]) < 0.35


def test_no_more_is_promised_than_allowed(followed: Followed, policy: Policy) -> None:
    situations = followed.situations
    decisions = decide(situations, policy, Terms(scale=promise_scale(situations, policy)))
    promised = decisions.gain_cents[decisions.acts].sum()
    assert 0 < promised <= 0.05 * situations.month_revenue_cents.sum()


def test_everyone_is_answered_and_discounts_are_kept_from_who_buys_anyway(followed: Followed, policy: Policy) -> None:
    situations = followed.situations
    assert [row["customer_id"] for row in recommend(situations, policy)] == list(situations.customer_id)
    assert not any(row["discount_percentage"] for row in offers(situations, policy))
    # As of a shop that has measured more than is assumed.
    segments = {
        name: offer.model_copy(update={"assumed_uplift": 0.25}) for name, offer in policy.offers.segments.items()
    }
    measured = policy.model_copy(update={"offers": policy.offers.model_copy(update={"segments": segments})})
    given = offers(situations, measured)
    without = np.array([row["discount_percentage"] for row in given]) == 0
    assert followed.rate(without) > followed.rate(~without) + 0.2


def test_the_confidence_score_is_what_it_says_by_decile(followed: Followed, policy: Policy) -> None:
    predictive = Predictive.of(followed.predictions)
    forecast = predictive.expected_cents
    share = forecast * policy.forecast.tolerance_percent / 100
    tolerance = np.maximum(share, followed.situations.facts["avg_order_value_cents"].to_numpy())
    confidence = predictive.within(forecast, tolerance)
    came_true = np.abs(followed.revenue_cents - forecast) <= tolerance
    deciles = np.array_split(np.argsort(confidence), 10)
    said = np.array([confidence[decile].mean() for decile in deciles])
    seen = np.array([came_true[decile].mean() for decile in deciles])
    assert np.abs(said - seen).max() < 0.22
    assert np.corrcoef(said, seen)[0, 1] > 0.9
