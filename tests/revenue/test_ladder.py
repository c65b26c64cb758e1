"""The value ladder: each rung begins at its threshold, and one rung is enough."""

from __future__ import annotations

import ibis
import pyarrow as pa
import pytest

from customer_revenue.policy import Segments
from customer_revenue.policy.segmentation import Segment
from customer_revenue.revenue.segments import segment

HIGH = Segment(name="high", from_total_revenue_cents=100, treatment="a call", expected_share=None)
LOW = Segment(name="low", from_total_revenue_cents=0, treatment="e-mail", expected_share=None)


@pytest.mark.parametrize(
    ("rungs", "expected"),
    [((HIGH, LOW), ["low", "low", "high"]), ((LOW,), ["low", "low", "low"])],
)
def test_each_revenue_has_a_rung(rungs: tuple[Segment, ...], expected: list[str]) -> None:
    found = ibis.memtable(pa.table({"place": [0, 1, 2], "cents": [0, 99, 100]}))
    named = found.mutate(segment=segment(found.cents, Segments(ladder="own", ladders={"own": rungs})))
    assert named.order_by("place").segment.to_pyarrow().to_pylist() == expected
