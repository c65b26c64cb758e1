"""A small import writes only what it changes into a copy of the store, with the same result as a whole merge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.orders.conftest import Shop

from customer_revenue.orders.engines.duckdb import target
from customer_revenue.orders.imports import merge

HEADER = "order_id,user_id,created_at,total,status,product_id,amount,refund_cents,user_email"
COPIES = "SELECT comment FROM duckdb_tables() WHERE table_name = 'orders'"


def line(number: int, customer: str, total: str = "10.00", **changed: Any) -> str:
    day = f"2023-0{number % 9 + 1}-1{number % 10}"
    row = {"status": "paid", "product": f"p{number % 3}", "refund": "", "email": ""} | changed
    return f"{number},{customer},{day},{total},{row['status']},{row['product']},{total},{row['refund']},{row['email']}"


def many() -> list[str]:
    """Orders of which some have refunds, and some no customer."""
    lines = [line(number, f"c{number % 90}") for number in range(1, 1001)]
    lines[10] = line(11, "c11", refund="300")
    lines[11] = line(12, "c12", refund="400")
    lines[20] = line(21, "", refund="100")
    lines[30] = line(31, "c31", status="unpaid")
    return lines


CHANGES = (
    line(11, "c11"),  # its refund is withdrawn
    line(12, "c12", "12.00", refund="500"),
    line(21, "c21", refund="100", email="c21@example.org"),  # its customer is known now
    line(31, "c31"),
    line(41, "c41", product=""),  # keeps its items
    line(2001, "new", email="new@example.org"),
    line(2002, ""),
)


def test_the_result_is_that_of_a_whole_merge(make_shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch) -> None:
    shops = {share: make_shop(f"shop_{share}") for share in (0.0, merge._MAX_SMALL_SHARE)}
    imported = {}
    for share, shop in shops.items():
        monkeypatch.setattr(merge, "_MAX_SMALL_SHARE", share)
        shop.load(*many(), header=HEADER)
        imported[share] = shop.load(*CHANGES, header=HEADER)
        assert shop.column(COPIES) == [None if share == 0 else "1"]
    whole, copied = shops.values()
    assert copied.contents() == whole.contents()
    first, second = imported.values()
    assert (first.orders_imported, first.orders_updated, first.refunds_imported) == (2, 3, 3)
    assert first.statement == second.statement
    assert copied.query("SELECT user_id FROM order_items WHERE order_id = '21'") == [("c21",)]
    assert copied.query("SELECT user_id FROM refunds WHERE order_id = '21'") == [("c21",)]


def test_after_some_small_imports_all_orders_are_sorted_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "_MAX_COPIES", 2)
    shop.load(*many(), header=HEADER)
    copies = []
    for number in range(3):
        shop.load(line(3000 + number, "c1"), header=HEADER)
        copies += shop.column(COPIES)
    assert copies == ["1", "2", None]
    sorted_ids = "SELECT list(user_id ORDER BY user_id) = list(user_id) FROM orders WHERE user_id IS NOT NULL"
    assert shop.column(sorted_ids) == [True]


def test_aliases_are_applied_by_a_whole_merge(shop: Shop, tmp_path: Path) -> None:
    shop.load(*many(), header=HEADER)
    shop.execute("INSERT INTO aliases VALUES ('c7', 'c8')")
    shop.load(line(4000, "c7"), header=HEADER)
    assert shop.column(COPIES) == [None]
    assert shop.query("SELECT user_id, original_user_id FROM orders WHERE id = '4000'") == [("c8", "c7")]
