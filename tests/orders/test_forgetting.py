"""Forgetting a person: what is removed, what stays, and that no import restores it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from customer_revenue.errors import CustomerNotFound, InvalidParameter, StoreError
from customer_revenue.orders.imports.remove_personal_data import Forgotten, forget

if TYPE_CHECKING:
    from tests.orders.conftest import Shop

KEY = "a long secret"
HEADER = "order_id,user_id,created_at,total,status,product_id,user_name,user_email,refund_cents"
LINES = (
    "1,ann,2023-05-01,10,paid,p,Ann Lee,ann@x.org,100",
    "2,ann,2023-05-02,10,paid,q,Ann Lee,ann@x.org,",
    "3,bob,2023-05-02,10,paid,p,Bob,bob@x.org,",
    "4,ann,never,10,paid,p,Ann Lee,ann@x.org,",
    "5,,never,10,paid,p,Annie,ann@x.org,",
    "6,,never,10,paid,p,Somebody,else@x.org,",
)


ON_SERVERS = [
    pytest.param(kind, marks=[pytest.mark.servers, pytest.mark.xdist_group("databases")])
    for kind in ("postgres", "mysql")
]


@pytest.fixture(params=["embedded", *ON_SERVERS])
def filled(request: pytest.FixtureRequest) -> Shop:
    shop: Shop = (
        request.getfixturevalue("shop") if request.param == "embedded" else request.getfixturevalue(request.param)()
    )
    shop.load(*LINES, header=HEADER)
    return shop


def test_name_and_address_go_and_orders_stay(filled: Shop) -> None:
    removed = forget("ann", filled.url, KEY)
    assert removed == Forgotten(name_or_email=True, orders=0, items=0, refunds=0, quarantined=2)
    assert sorted(filled.query("SELECT id, name, email FROM users")) == [
        ("ann", None, None),
        ("bob", "Bob", "bob@x.org"),
    ]
    assert filled.column("SELECT count(*) FROM orders") == [3]
    assert _traces(filled, ("Ann Lee", "ann@x.org")) == []


def test_nobody_comes_back(filled: Shop) -> None:
    forget("ann", filled.url, KEY, orders=True)
    assert _traces(filled, ("ann", "Ann Lee", "ann@x.org")) == []
    assert filled.column("SELECT id FROM orders") == ["3"]
    path = filled.file(
        *LINES, "7,ann,2023-06-01,1,paid,p,Ann Lee,ann@x.org,", "8,bob,2023-06-01,1,paid,p,,,", header=HEADER
    )
    for _ in range(2):
        again = filled.files(path, forget_key=KEY)
        assert again.quarantined["forgotten"] == 4
    assert sorted(filled.column("SELECT id FROM orders")) == ["3", "8"]
    assert _traces(filled, ("ann", "Ann Lee")) == []


def test_a_name_does_not_come_back_with_new_orders(filled: Shop) -> None:
    forget("ann", filled.url, KEY)
    again = filled.load("7,ann,2023-06-01,1,paid,p,Ann Lee,ann@x.org,", header=HEADER, forget_key=KEY)
    assert again.orders_imported == 1
    assert _traces(filled, ("Ann Lee", "ann@x.org")) == []


def test_the_key_is_needed_and_is_one(filled: Shop) -> None:
    with pytest.raises(InvalidParameter, match="secret key"):
        forget("ann", filled.url, "")
    forget("ann", filled.url, KEY)
    for key in ("", "another"):
        with pytest.raises(InvalidParameter, match="give the key"):
            filled.load("9,eve,2023-05-01,1,paid", forget_key=key)
    with pytest.raises(InvalidParameter, match="give the key"):
        forget("bob", filled.url, "another")
    forget("bob", filled.url, KEY)
    assert filled.load("9,eve,2023-05-01,1,paid", forget_key=KEY).orders_imported == 1


def test_unknown_customers_and_stores(filled: Shop, make_shop: Callable[..., Shop]) -> None:
    before = filled.contents()
    with pytest.raises(CustomerNotFound):
        forget("nobody", filled.url, KEY)
    assert filled.contents() == before
    with pytest.raises(StoreError):
        forget("ann", make_shop("empty").url, KEY)


def test_the_orders_can_go_later_than_the_name(filled: Shop) -> None:
    forget("ann", filled.url, KEY)
    assert forget("ann", filled.url, KEY, orders=True).orders == 2
    with pytest.raises(CustomerNotFound):
        forget("ann", filled.url, KEY)


def _traces(shop: Shop, words: tuple[str, ...]) -> list[str]:
    """The tables in which one of the words is a value, or a cell of a quarantined row."""
    found = []
    for table, rows in shop.contents().items():
        cells = {cell for row in rows for value in row if isinstance(value, str) for cell in (value, *value.split(","))}
        found += [table] if cells.intersection(words) else []
    return found
