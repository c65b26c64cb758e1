"""An order is whole: one state, each line once, none of it without its bad lines, over all files of an import."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.orders.conftest import Shop

INVOICES = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country"
ITEMS = "order_id,user_id,created_at,total,status,product_id,amount"


def _invoice(number: int, code: str, price: str, quantity: str = "1", customer: str = "7") -> str:
    return f"{number},{code},x,{quantity},2010-12-01 07:45:00,{price},{customer},UK"


def _totals(shop: Shop) -> dict[str, int]:
    return dict(shop.query("SELECT id, total_cents FROM orders"))


@pytest.mark.parametrize("bad", [_invoice(1, "b", "2.00", "1x"), _invoice(1, "b", "two"), "1,b,x"])
def test_a_bad_line_takes_its_order_along(shop: Shop, bad: str) -> None:
    summary = shop.load(_invoice(1, "a", "1.00"), bad, _invoice(2, "a", "3.00"), header=INVOICES)
    assert _totals(shop) == {"2": 300}
    assert summary.quarantined["part_of_order"] == 1
    assert sum(summary.quarantined.values()) == 2


def test_a_line_without_a_price_leaves_the_rest_of_its_invoice(shop: Shop) -> None:
    summary = shop.load(_invoice(1, "a", "1.00"), _invoice(1, "b", "0"), header=INVOICES)
    assert _totals(shop) == {"1": 100}
    assert summary.quarantined == {"no_amount": 1}


def test_an_invoice_that_two_files_share_is_put_together(shop: Shop) -> None:
    first = shop.file(_invoice(1, "a", "1.00"), header=INVOICES)
    second = shop.file(_invoice(1, "b", "2.00"), _invoice(2, "a", "4.00"), header=INVOICES)
    for files in itertools.permutations((first, second)):
        shop.path.unlink(missing_ok=True)
        shop.files(*files)
        assert _totals(shop) == {"1": 300, "2": 400}


def test_a_repeated_block_counts_once_and_is_reported(shop: Shop) -> None:
    block = [_invoice(1, "a", "1.00"), _invoice(1, "a", "1.00"), _invoice(1, "b", "2.00")]
    summary = shop.load(*block, _invoice(2, "a", "4.00"), *block, header=INVOICES)
    assert _totals(shop) == {"1": 400, "2": 400}
    assert summary.repeated == 3
    assert "3 lines occur again" in summary.render()


def test_files_that_overlap_within_an_invoice_count_its_lines_once(shop: Shop) -> None:
    lines = [_invoice(1, code, "1.00") for code in "abcd"]
    first, second = shop.file(*lines[:3], header=INVOICES), shop.file(*lines[1:], header=INVOICES)
    summary = shop.files(first, second)
    assert _totals(shop) == {"1": 400}
    assert summary.repeated == 2


def test_equal_lines_side_by_side_are_two_items(shop: Shop) -> None:
    shop.load(_invoice(1, "a", "1.00"), _invoice(1, "a", "1.00"), header=INVOICES)
    assert _totals(shop) == {"1": 200}


def test_items_of_an_exported_order_count_once(shop: Shop) -> None:
    lines = ["1,ann,2024-05-01,3,paid,p,1", "1,ann,2024-05-01,3,paid,q,2"]
    shop.files(shop.file(*lines, header=ITEMS), shop.file(*lines, header=ITEMS))
    assert shop.column("SELECT sum(amount_cents) FROM order_items") == [300]


def test_the_later_state_counts_where_the_file_says_which_is_later(shop: Shop) -> None:
    header = "order_id,user_id,created_at,total,status,updated_at"
    lines = ["1,ann,2024-05-01,10,paid,2024-05-01", "1,ann,2024-05-01,10,refunded,2024-06-01"]
    for order in itertools.permutations(lines):
        shop.path.unlink(missing_ok=True)
        shop.load(*order, header=header)
        assert shop.column("SELECT status FROM orders") == ["refunded"]


def test_the_last_file_counts_where_none_says_which_is_later(shop: Shop) -> None:
    shop.files(shop.file("1,ann,2024-05-01,10,paid"), shop.file("1,ann,2024-05-01,10,refunded"))
    assert shop.query("SELECT id, status FROM orders") == [("1", "refunded")]


def test_a_quote_that_swallows_lines_is_caught(shop: Shop) -> None:
    header = "order_id,user_id,product_name,created_at,total,status"
    summary = shop.load(
        "1,ann,ok,2024-05-01,1,paid",
        '2,bob,"5 inch,2024-05-01,2,paid',
        '3,eve,y",2024-05-01,3,paid',
        '4,joe,"a note\nof two lines",2024-05-01,4,paid',
        header=header,
    )
    assert _totals(shop) == {"1": 100, "4": 400}
    assert summary.quarantined == {"unclosed_quote": 1}
    assert "eve" in shop.column("SELECT raw FROM quarantine")[0]


def test_a_column_that_occurs_twice_is_refused_by_name(shop: Shop) -> None:
    from customer_revenue.errors import UnreadableFile

    with pytest.raises(UnreadableFile, match="2 columns named total"):
        shop.load("1,ann,2024-05-01,1,paid,2", header="order_id,user_id,created_at,total,status,total")


def test_a_total_that_contradicts_its_cents_is_quarantined(shop: Shop) -> None:
    header = "order_id,user_id,created_at,total,total_cents,status"
    summary = shop.load("1,ann,2024-05-01,10,10,paid", "2,ann,2024-05-01,10,1000,paid", header=header)
    assert _totals(shop) == {"2": 1000}
    assert summary.quarantined == {"contradicting_total": 1}


def test_the_order_of_the_files_does_not_matter(make_shop: Callable[..., Shop]) -> None:
    found = []
    parts = [
        [_invoice(1, "a", "1.00"), _invoice(2, "a", "2.00")],
        [_invoice(2, "b", "3.00"), "C9,a,x,-1,2010-12-02 07:45:00,0.50,7,UK"],
        [_invoice(3, "a", "5.00", customer="")],
    ]
    for number, order in enumerate(itertools.permutations(parts)):
        shop = make_shop(f"shop_{number}")
        shop.files(*(shop.file(*lines, header=INVOICES) for lines in order))
        found.append(
            (
                shop.query("SELECT id, user_id, total_cents FROM orders ORDER BY id"),
                shop.query("SELECT id, amount_cents FROM refunds"),
            )
        )
    assert all(each == found[0] for each in found)
    assert found[0][0] == [("1", "7", 100), ("2", "7", 500), ("3", None, 500)]
