"""The response about a customer, built in one place for single customers, batches and posted histories."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from customer_revenue.actions.barring import Barring
from customer_revenue.actions.decide import decide
from customer_revenue.actions.offers import offers
from customer_revenue.actions.recommend import NO_PRODUCTS, Product, as_fields, recommend
from customer_revenue.actions.situations import STATUS_COLUMNS, SituationOfOne, Situations
from customer_revenue.actions.terms import Terms
from customer_revenue.periods import AsOf, Period
from customer_revenue.policy import Policy
from customer_revenue.revenue.profit import NOTHING_EARNED
from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.customer_base.shop_decisions import NOBODY
from customer_revenue.workflows.customer_base.snapshot import CustomerPredictions, PredictedRow

if TYPE_CHECKING:
    from customer_revenue.modeling.predictor import Predictor

SUMMARY_FIELDS = (
    "total_revenue_cents",
    "total_orders",
    "avg_order_value_cents",
    "first_purchase_date",
    "last_purchase_date",
    "customer_lifespan_days",
    "purchase_frequency_days",
    "total_refunds_cents",
    "net_revenue_cents",
    "avg_days_between_purchases",
)
"""The fields of ``revenue_summary``: the specification's, in its order, then ours."""

SEGMENT_FIELDS = ("customer_segment", "lifecycle_stage", "activity_status")

PROBABILITY_DECIMALS = 6
COUNT_DECIMALS = 4


def customer_body(
    facts: Mapping[str, Any],
    period: Period,
    *,
    profit: Mapping[str, object],
    predictions: Body | None,
    include_predictions: bool,
    breakdowns: Mapping[str, object] | None = None,
) -> Body:
    """Everything about one customer, in the order of the specification's response.

    Args:
        facts: the customer's row of the summary of the period, dates as text.
        period: of the facts.
        profit: cost and profit of the period, and what they rest on.
        predictions: the ``predictions`` object; ``None`` where nothing can be predicted.
        include_predictions: whether the field is there at all.
        breakdowns: by the name of their field.
    """
    body: Body = {
        "customer_id": facts["customer_id"],
        "period": period.value,
        "revenue_summary": {name: facts[name] for name in SUMMARY_FIELDS} | dict(profit),
        **(breakdowns or {}),
    }
    if include_predictions:
        body["predictions"] = predictions
    return body | {name: facts[name] for name in SEGMENT_FIELDS}


def prediction_bodies(
    predictor: Predictor,
    facts: pa.Table,
    found: CustomerPredictions,
    policy: Policy,
    currency: str,
    terms: Callable[[], Terms] = Terms,
    profits: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    barred: Mapping[str, Barring] = NOBODY,
    products: Mapping[str, Product] = NO_PRODUCTS,
) -> dict[str, Body]:
    """The ``predictions`` object of some customers by id: predicted fields, actions, offer.

    Args:
        predictor: made the predictions; its as-of day is theirs.
        facts: all-time facts of at least these customers.
        found: their predictions.
        policy: rules of actions and offers.
        currency: code written after amounts.
        terms: gives what is the same for all decisions of the shop.
        profits: cost and profit of all time, by the customers' ids.
        barred: who must not be contacted, by their ids.
        products: what each bought most often, by their ids.
    """
    rows, reasons = found.table.to_pylist(), predictor.reasons(found.reason_inputs, currency)
    situations, of_shop = Situations.of(facts, found.table, predictor.horizon_days), terms()
    decisions = found.decisions or decide(situations, policy, of_shop)
    if barred:
        decisions = decisions.without(situations.customer_id, barred)
    actions = _by_customer(recommend(situations, policy, currency, decisions, products))
    offered = {name: own[0] for name, own in _by_customer(offers(situations, policy, currency, decisions)).items()}
    net = dict(zip(facts["customer_id"].to_pylist(), facts["net_revenue_cents"].to_pylist(), strict=True))
    at_stake = zip(situations.status(policy).tolist(), situations.whole_cents_at_risk.tolist(), strict=True)
    at_risk = dict(zip(situations.customer_id.tolist(), at_stake, strict=True))
    return {
        row["customer_id"]: _predicted_fields(row, words, predictor)
        | _expected_profit(
            row, net[row["customer_id"]], profits.get(row["customer_id"], NOTHING_EARNED), of_shop, policy
        )
        | _at_risk(at_risk.get(row["customer_id"]))
        | as_fields(actions.get(row["customer_id"], []), policy)
        | {"offer": without_id(offered.get(row["customer_id"]))}
        for row, words in zip(rows, reasons, strict=True)
    }


def prediction_body(
    predictor: Predictor,
    fact: Mapping[str, Any],
    kept: PredictedRow,
    policy: Policy,
    currency: str,
    terms: Terms,
    profit: Mapping[str, Any],
    barring: Barring | None = None,
    product: Product | None = None,
) -> Body:
    """The ``predictions`` object of a customer whose prediction and decision are known: as :func:`prediction_bodies`.

    Args:
        predictor: made the prediction; its as-of day is its.
        fact: their row of the all-time facts.
        kept: the prediction and the decision.
        policy: rules of actions and offers.
        currency: code written after amounts.
        terms: what is the same for all decisions of the shop.
        profit: cost and profit of all time.
        barring: why they must not be contacted, if so.
        product: what they bought most often.
    """
    name, row, decision = fact["customer_id"], kept.row, kept.decision
    (words,) = predictor.reasons(kept.reason_inputs, currency)
    situation = SituationOfOne(fact, row, predictor.horizon_days)
    if barring is not None:
        decision = decision.without(situation.customer_id, {name: barring})
    actions = recommend(situation, policy, currency, decision, NO_PRODUCTS if product is None else {name: product})
    (offer,) = offers(situation, policy, currency, decision)
    return (
        _predicted_fields(row, words, predictor)
        | _expected_profit(row, fact["net_revenue_cents"], profit, terms, policy)
        | _at_risk((situation.status(policy).item(), situation.whole_cents_at_risk.item()))
        | as_fields(actions, policy)
        | {"offer": without_id(offer)}
    )


def completed(
    body: Mapping[str, object],
    when: AsOf,
    currency: str,
    timezone: str,
    model_version: str | None,
    stale_since: str | None = None,
) -> Body:
    """A body as a response: ``success`` before it, ``meta`` after it, with ``stale_since`` if the store is away."""
    meta = {
        "calculation_date": when.calculation_date,
        "data_freshness": when.freshness,
        "currency": currency,
        "timezone": timezone,
        "model_version": model_version,
    }
    if stale_since is not None:
        meta["stale_since"] = stale_since
    return {"success": True, **body, "meta": meta}


def without_id(row: Mapping[str, object] | None) -> Body | None:
    """A row as the object of one customer, who is named elsewhere in the response."""
    return None if row is None else {name: value for name, value in row.items() if name != "customer_id"}


def with_texts(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row, dates as text."""
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}


def as_rows(table: pa.Table) -> list[dict[str, Any]]:
    """The rows of a table, dates as text."""
    return [with_texts(row) for row in table.to_pylist()]


def _by_customer(rows: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault(row["customer_id"], []).append(row)
    return grouped


def _predicted_fields(row: Mapping[str, Any], reasons: list[str], predictor: Predictor) -> Body:
    return {
        "estimated_ltv_cents": round(row["estimated_ltv_cents"]),
        "next_purchase_probability": _probability(row["next_purchase_probability"]),
        "next_purchase_predicted_date": _day(row["next_purchase_date"]),
        "churn_risk_score": _probability(row["churn_risk_score"]),
        "recommended_actions": [],
        "probability_alive": _probability(row["probability_alive"]),
        "purchase_probability": _probability(row["purchase_probability"]),
        "next_purchase_date_low": _day(row["next_purchase_date_low"]),
        "next_purchase_date_high": _day(row["next_purchase_date_high"]),
        "expected_purchases": round(row["expected_purchases"], COUNT_DECIMALS),
        "purchases_low": row["purchases_low"],
        "purchases_high": row["purchases_high"],
        "expected_revenue_cents": round(row["expected_revenue_cents"]),
        "revenue_low_cents": round(row["revenue_low_cents"]),
        "revenue_high_cents": round(row["revenue_high_cents"]),
        "interval_mass": _probability(row["interval_mass"]),
        "ltv_low_cents": round(row["ltv_low_cents"]),
        "ltv_high_cents": round(row["ltv_high_cents"]),
        "purchases_median": row["purchases_median"],
        "revenue_median_cents": round(row["revenue_median_cents"]),
        "ltv_median_cents": round(row["ltv_median_cents"]),
        "interval_note": row["interval_note"],
        "hindsight": predictor.trained_until > predictor.as_of_day,
        "hindsight_reason": _hindsight_reason(predictor),
        "churn_reasons": reasons,
        "horizon_days": predictor.horizon_days,
        "churn_days": predictor.churn_days,
        "as_of": predictor.as_of_day.isoformat(),
        "tier": row["tier"],
        "tier_reason": predictor.tier_reason_,
    }


def _expected_profit(
    row: Mapping[str, Any], net_cents: int, earned: Mapping[str, Any], terms: Terms, policy: Policy
) -> Body:
    """What the expected net revenue earns at the shop's margin, and the lifetime value with what was earned so far."""
    share = terms.margin_share(policy)
    return {
        "expected_profit_cents": round(share * row["expected_net_revenue_cents"]),
        "ltv_profit_cents": earned["profit_cents"] + round(share * (row["estimated_ltv_cents"] - net_cents)),
        "margin_percent": round(100 * share, 2),
        "margin_basis": terms.margin_basis,
    }


def _at_risk(found: tuple[str, int] | None) -> Body:
    return {} if found is None else dict(zip(STATUS_COLUMNS, found, strict=True))


def _hindsight_reason(predictor: Predictor) -> str | None:
    if predictor.trained_until <= predictor.as_of_day:
        return None
    return (
        f"no model was trained by {predictor.as_of_day}: this one knew the orders until {predictor.trained_until}, "
        "what it predicts among them"
    )


def _probability(value: float) -> float:
    return round(value, PROBABILITY_DECIMALS)


def _day(value: dt.date | None) -> str | None:
    return None if value is None else value.isoformat()
