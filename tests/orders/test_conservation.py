"""Whatever a file holds, every row is imported or quarantined, nothing twice, regardless of the order of the rows."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_revenue.errors import NothingImported

if TYPE_CHECKING:
    from tests.orders.conftest import Shop

Row = tuple[str, str, str, str, str, str]

HEADER = "order_id,user_id,created_at,total_cents,status,product_id"
rows = st.tuples(
    st.sampled_from(["1", "2", "3", "4", ""]),
    st.sampled_from(["ann", "bob", "客户", ""]),
    st.sampled_from(["2023-05-01", "2023-05-02T10:00:00Z", "2023-02-30", ""]),
    st.sampled_from(["100", "200", "-1", "x"]),
    st.sampled_from(["paid", "refunded", "pending", "lost"]),
    st.sampled_from(["p", "q", ""]),
)
files = st.lists(rows, min_size=1, max_size=12)


def _side_by_side(batches: list[list[Row]]) -> list[Row]:
    """The rows of several files in one, each with order ids of its own: one import tries them all."""
    return [(f"{n}{row[0]}" if row[0] else "", *row[1:]) for n, batch in enumerate(batches) for row in batch]


long_files = st.lists(files, min_size=2, max_size=6).map(_side_by_side)


def _good(row: Row) -> bool:
    order_id, _, created_at, total, status, _ = row
    return bool(order_id and created_at[:7] == "2023-05" and total in ("100", "200") and status != "lost")


def _expected(lines: list[Row]) -> tuple[set[tuple[str, ...]], int]:
    """The orders by a plain implementation of the rules, and the number of rows that it quarantines."""
    contents: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for row in lines:
        contents[row[0]].add(row[:5] if _good(row) else ())
    orders = {next(iter(found)) for found in contents.values() if len(found) == 1} - {()}
    kept = sum(1 for row in lines if row[:5] in orders)
    return orders, len(lines) - kept


def _tried(examples: int) -> settings:
    return settings(deadline=None, max_examples=examples, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(files | long_files, st.randoms(use_true_random=False))
@_tried(8)
def test_rows_in_are_rows_imported_and_quarantined(shop: Shop, lines: list[Row], shuffler: random.Random) -> None:
    _conserved(shop, lines, shuffler)


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@given(files | long_files, st.randoms(use_true_random=False))
@_tried(200)
def test_rows_of_many_files_are_imported_and_quarantined(shop: Shop, lines: list[Row], shuffler: random.Random) -> None:
    _conserved(shop, lines, shuffler)


def _conserved(shop: Shop, lines: list[Row], shuffler: random.Random) -> None:
    shop.path.unlink(missing_ok=True)
    orders, bad = _expected(lines)
    texts = [",".join(row) for row in lines]
    path = shop.file(*texts, header=HEADER, name="orders.csv")
    try:
        summary = shop.files(path)
    except NothingImported:
        assert not orders
        assert not shop.path.exists()
        return
    stored = shop.query(
        "SELECT id, user_id, total_cents::VARCHAR, status, strftime(created_at, '%Y-%m-%d') FROM orders"
    )
    assert {(i, u or "", d, t, s) for i, u, t, s, d in stored} == {(i, u, d[:10], t, s) for i, u, d, t, s in orders}
    assert len(stored) == len(orders)
    assert (summary.lines, sum(summary.quarantined.values())) == (len(lines), bad)
    quarantined = Counter(shop.column("SELECT raw FROM quarantine"))
    assert not quarantined - Counter(texts)
    before = shop.contents()
    assert shop.files(path).orders_imported == 0
    assert shop.contents() == before
    shuffler.shuffle(texts)
    again = shop.files(shop.file(*texts, header=HEADER, name="orders.csv"))
    # Equal rows side by side are items, elsewhere they are repetitions: only the items depend on the order of the rows.
    assert again.orders_imported == 0
    assert shop.contents()["orders"] == before["orders"]


UNANSWERED = (
    "SELECT DISTINCT coalesce(order_id, concat_ws(':', source, line)) AS unanswered FROM quarantine"
    " WHERE order_id IS NULL OR order_id NOT IN (SELECT id FROM orders) ORDER BY unanswered"
)
"""Quarantined orders that are not in the store, and rows without an order."""


@given(st.lists(files, min_size=2, max_size=3) | st.lists(long_files, min_size=2, max_size=3))
@_tried(6)
def test_orders_of_files_together_are_those_of_files_apart(
    make_shop: Callable[..., Shop], batches: list[list[Row]]
) -> None:
    _together_as_apart(make_shop, batches)


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@given(st.lists(files, min_size=2, max_size=3) | st.lists(long_files, min_size=2, max_size=3))
@_tried(60)
def test_orders_of_many_files_together_are_those_of_files_apart(
    make_shop: Callable[..., Shop], batches: list[list[Row]]
) -> None:
    _together_as_apart(make_shop, batches)


def _together_as_apart(make_shop: Callable[..., Shop], batches: list[list[Row]]) -> None:
    owned = [[(f"{row[1]}-{row[0]}" if row[0] else "", *row[1:]) for row in batch] for batch in batches]
    usable = [batch for batch in owned if _expected(batch)[0]]
    if not usable:
        return
    together, apart = make_shop("together"), make_shop("apart")
    for shop in (together, apart):
        shop.path.unlink(missing_ok=True)
        shop.restart()
    together.files(*(together.file(*map(",".join, batch), header=HEADER) for batch in usable))
    for batch in usable:
        apart.files(apart.file(*map(",".join, batch), header=HEADER))
    # Together, the files are one set: the items of an order that several of them hold are put together.
    for table in ("orders", "refunds", "users"):
        assert together.contents()[table] == apart.contents()[table]
    # Apart, the rows of an order that comes again in a later file leave the quarantine; no order is lost.
    assert set(apart.contents()["quarantine"]) <= set(together.contents()["quarantine"])
    assert apart.column(UNANSWERED) == together.column(UNANSWERED)
