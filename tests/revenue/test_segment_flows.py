"""Movements between segments conserve the customers and their money."""

from __future__ import annotations

from collections.abc import Iterator

import ibis
import pyarrow as pa
import pytest

import customer_revenue as cr
from customer_revenue.choices import FlowBy
from customer_revenue.orders.engines.duckdb.in_memory import fetch_in_memory
from customer_revenue.policy import load_policy
from customer_revenue.revenue.segment_flows import FLOW_REASONS, SMALL_FLOW_CUSTOMERS, segment_flows

SINCE, UNTIL = "1997-06-30", "1997-12-31"
BY = {
    "segment": "customer_segment",
    "stage": "lifecycle_stage",
    "activity": "activity_status",
}


@pytest.fixture(scope="module")
def cdnow() -> Iterator[cr.Orders]:
    with cr.load_cdnow(sample=True) as orders:
        yield orders


@pytest.mark.parametrize("by", [*BY, "rfm"])
def test_every_customer_is_in_one_flow_and_every_cent_too(cdnow: cr.Orders, by: str) -> None:
    flows = cr.segment_flows(cdnow, SINCE, by, UNTIL)
    then, now = cdnow.facts(as_of=SINCE), cdnow.facts(as_of=UNTIL)
    assert flows["customers"].sum() == len(now)
    assert flows.loc[flows["from_group"].notna(), "customers"].sum() == len(then)
    assert flows["net_revenue_cents"].sum() == now["net_revenue_cents"].sum()
    assert flows["revenue_change_cents"].sum() == now["net_revenue_cents"].sum() - then["net_revenue_cents"].sum()
    assert flows.groupby("from_group", dropna=False)["percentage_of_group"].sum().round(1).eq(100).all()
    assert (flows["is_small"] == (flows["customers"] < SMALL_FLOW_CUSTOMERS)).all()
    assert not flows[["from_group", "to_group"]].duplicated().any()


@pytest.mark.parametrize(("by", "column"), BY.items())
def test_flows_are_those_of_the_facts_of_both_days(cdnow: cr.Orders, by: str, column: str) -> None:
    then, now = cdnow.facts(as_of=SINCE)[column], cdnow.facts(as_of=UNTIL)[column]
    both = then.rename("then").to_frame().join(now.rename("now"))
    expected = both.value_counts().to_dict()
    flows = cr.segment_flows(cdnow, SINCE, by, UNTIL)
    kept = flows[flows["from_group"].notna()].set_index(["from_group", "to_group"])["customers"]
    assert kept.to_dict() == expected


def facts(*rows: tuple[str, int, int, int, str]) -> pa.Table:
    names = ("customer_id", "total_orders", "total_refunds_cents", "net_revenue_cents", "activity_status")
    return pa.table(dict(zip(names, zip(*rows, strict=True), strict=True)))


def test_reasons_are_what_customers_did() -> None:
    before = facts(
        ("silent", 1, 0, 100, "a"), ("bought", 1, 0, 100, "b"), ("refunded", 1, 0, 100, "c"), ("both", 1, 0, 100, "d")
    )
    now = facts(
        ("silent", 1, 0, 100, "x"), ("bought", 2, 0, 900, "x"), ("refunded", 1, 40, 60, "x"), ("both", 2, 40, 860, "x"),
        ("new", 1, 0, 10, "x"),
    )  # fmt: skip
    flows = segment_flows(ibis.memtable(before), ibis.memtable(now), FlowBy.ACTIVITY, load_policy().rfm)
    found = {row["from_group"]: row for row in fetch_in_memory(flows).to_pylist()}
    assert {group: [reason for reason in FLOW_REASONS if row[reason]] for group, row in found.items()} == {
        "a": ["silent"], "b": ["bought"], "c": ["refunded"], "d": ["bought"], None: ["first_order"],
    }  # fmt: skip
    assert {group: row["revenue_change_cents"] for group, row in found.items()} == {
        "a": 0, "b": 800, "c": -40, "d": 760, None: 10,
    }  # fmt: skip


def test_a_day_that_is_not_earlier_is_refused(cdnow: cr.Orders) -> None:
    with pytest.raises(cr.CustomerRevenueError, match="since: 1997-12-31 is not before 1997-12-31"):
        cr.segment_flows(cdnow, UNTIL, as_of=UNTIL)
    with pytest.raises(cr.CustomerRevenueError, match="by: 'mood' is not one of segment, stage, activity, rfm"):
        cr.segment_flows(cdnow, SINCE, by="mood")
