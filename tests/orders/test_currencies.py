"""Several currencies in one store: converted by the rate of the day, and minor units of every size."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from customer_revenue import currencies
from customer_revenue.currencies import money_text
from customer_revenue.errors import BooksDisagree, CurrencyMismatch, InvalidParameter, UnreadableFile
from customer_revenue.orders.imports.statement import Expectations
from customer_revenue.orders.mapping import load_mapping

if TYPE_CHECKING:
    from tests.orders.conftest import Shop

HEADER = "order_id,user_id,created_at,total,status,currency,product_id,amount,refund_cents,refunded_at"
RATES = (
    "day,currency,rate",
    "2023-05-01,EUR,1.10",
    "2023-05-02,EUR,1.20",
    "2023-05-01,JPY,0.0070",
    "2023-05-02,JPY,0.0080",
    "2023-05-01,KWD,3.25",
)


def _rates(shop: Shop, *lines: str) -> Path:
    return shop.file(*(lines or RATES), header=None, name="rates.txt")


@pytest.mark.parametrize(
    ("amount", "currency", "refused"),
    [
        ("$5.00", "", ""),
        ("$5.00", "CAD", ""),
        ("$5.00", "GBP", "is in \\$, the store in GBP"),
        ("¥500", "", "the sign of CNY, JPY: choose one with CUSTOMER_REVENUE_CURRENCY"),
        ("¥500", "JPY", ""),
        ("50 kr", "", "the sign of DKK, ISK, NOK, SEK"),
        ("50 kr", "SEK", ""),
        ("£5.00", "USD", "is in GBP, the store in USD"),
    ],
)
def test_a_sign_of_several_currencies_must_be_one_of_the_stores(
    make_shop: Callable[..., Shop], amount: str, currency: str, refused: str
) -> None:
    shop = make_shop(currency=currency)
    if refused:
        with pytest.raises(CurrencyMismatch, match=refused):
            shop.load(f"1,ann,2023-05-01,{amount},paid")
    else:
        assert shop.load(f"1,ann,2023-05-01,{amount},paid").orders_imported == 1


def test_amounts_of_one_line_with_several_signs_are_refused(shop: Shop) -> None:
    header = "order_id,user_id,created_at,total,status,product_id,amount"
    with pytest.raises(CurrencyMismatch, match="several currencies"):
        shop.load("1,ann,2023-05-01,£5.00,paid,p,€5.00", header=header)


def test_each_order_and_refund_is_converted_at_its_own_local_day(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(currency="USD", timezone="America/New_York")
    summary = shop.load(
        "1,ann,2023-05-02T03:00:00Z,10.00,paid,eur,p,10.00,200,2023-05-02T12:00:00Z",
        "2,ann,2023-05-02T12:00:00Z,10.00,paid,EUR,p,10.00,,",
        "3,bob,2023-05-02T12:00:00Z,5000,paid,JPY,p,5000,,",
        "4,bob,2023-05-01T12:00:00Z,1.234,paid,KWD,p,1.234,,",
        "5,bob,2023-05-09T12:00:00Z,1.50,paid,USD,p,1.50,,",
        "6,bob,2023-05-09T12:00:00Z,1.50,paid,,p,1.50,,",
        "7,bob,2023-05-09T12:00:00Z,1.50,paid,CHF,p,1.50,,",
        header=HEADER,
        rates=_rates(shop),
    )
    assert summary.quarantined == {"other_currency": 1}
    assert shop.query("SELECT id, total_cents, original_currency, original_cents FROM orders ORDER BY id") == [
        ("1", 1100, "EUR", 1000),  # still the first of May in New York
        ("2", 1200, "EUR", 1000),
        ("3", 4000, "JPY", 5000),
        ("4", 401, "KWD", 1234),
        ("5", 150, None, None),
        ("6", 150, None, None),
    ]
    assert shop.query("SELECT order_id, amount_cents FROM refunds") == [("1", 240)]
    assert shop.column("SELECT amount_cents FROM order_items ORDER BY order_id") == [1100, 1200, 4000, 401, 150, 150]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,ann,2023-05-06,1,paid,EUR,,,,", "no rate of EUR for 2023-05-06.*with a rate is 2023-05-02"),
        ("1,ann,2023-04-30,1,paid,EUR,,,,", "no rate of EUR for 2023-04-30.*no day before it has a rate"),
        ("1,ann,2023-05-02,1,paid,EUR,,,10,2023-05-07", "no rate of EUR for 2023-05-07.*with a rate is 2023-05-02"),
    ],
)
def test_a_day_without_a_rate_is_refused(make_shop: Callable[..., Shop], line: str, message: str) -> None:
    shop = make_shop(currency="USD")
    with pytest.raises(CurrencyMismatch, match=message):
        shop.load(line, "2,ann,2023-05-01,1,paid,EUR,,,,", header=HEADER, rates=_rates(shop))
    assert not shop.path.exists()


@pytest.mark.parametrize(
    ("lines", "error", "message"),
    [
        (("day,currency,value", "2023-05-01,EUR,1"), UnreadableFile, "lacks the column.* rate"),
        (("day,currency,rate", "2023-05-01,EUR,-1"), InvalidParameter, "line 2: .*positive rate"),
        (("day,currency,rate", "2023-05-01,EUR,1", ",EUR,1"), InvalidParameter, "line 3: .*needs a day"),
        (("day,currency,rate", "2023-05-01,EUR,1", "2023-05-01,eur,2"), InvalidParameter, "another rate"),
    ],
)
def test_a_file_of_rates_that_is_none(
    make_shop: Callable[..., Shop], lines: tuple[str, ...], error: type[Exception], message: str
) -> None:
    shop = make_shop(currency="USD")
    with pytest.raises(error, match=message):
        shop.load("1,ann,2023-05-01,1,paid,EUR,,,,", header=HEADER, rates=_rates(shop, *lines))


def test_the_mapping_names_the_file_beside_it(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(currency="USD")
    _rates(shop)
    mapping = shop.folder / "mapping.toml"
    mapping.write_text('rates_file = "rates.txt"\n[rates]\nCHF = "1.5"\n')
    shop.load(
        "1,ann,2023-05-01,1,paid,EUR,,,,", "2,ann,2023-05-09,1,paid,CHF,,,,", header=HEADER, mapping=mapping
    )  # fmt: skip
    assert shop.column("SELECT total_cents FROM orders ORDER BY id") == [110, 150]
    mapping.write_text('rates_file = "rates.txt"\n[rates]\nEUR = "1.5"\n')
    with pytest.raises(InvalidParameter, match="EUR has a rate in"):
        shop.load("3,ann,2023-05-01,1,paid,EUR,,,,", header=HEADER, mapping=mapping)


@pytest.mark.parametrize(
    ("currency", "text", "cents", "shown"),
    [("JPY", "5000", 5000, "5,000 JPY"), ("KWD", "1.2345", 1235, "1.235 KWD"), ("USD", "1.5", 150, "1.50 USD")],
)
def test_a_store_in_any_currency(
    make_shop: Callable[..., Shop], currency: str, text: str, cents: int, shown: str
) -> None:
    shop = make_shop(currency=currency)
    summary = shop.load(f"1,ann,2023-05-01,{text},paid", expectations=Expectations(orders=1))
    assert shop.column("SELECT total_cents FROM orders") == [cents]
    assert shown in summary.render()
    with pytest.raises(BooksDisagree, match="agree") as caught:
        shop.load(f"1,ann,2023-05-01,{text},paid", expectations=Expectations(gross=Decimal(7)))
    assert shown in caught.value.details[0]


def test_dollars_in_a_store_of_yen(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(currency="JPY")
    mapping = shop.folder / "mapping.toml"
    mapping.write_text('[rates]\nUSD = "150"\nKWD = "480"\n')
    shop.load(
        "1,ann,2023-05-01,1.50,paid,USD,,,,",
        "2,ann,2023-05-01,2.500,paid,KWD,,,,",
        "3,ann,2023-05-01,700,paid,JPY,,,,",
        "4,ann,2023-05-01,700,paid,,,,,",
        header=HEADER,
        mapping=mapping,
    )
    assert shop.query("SELECT total_cents, original_currency, original_cents FROM orders ORDER BY id") == [
        (225, "USD", 150),
        (1200, "KWD", 2500),
        (700, None, None),
        (700, None, None),
    ]


def test_stripes_smallest_coins(make_shop: Callable[..., Shop]) -> None:
    header = "id,created,amount,amount_refunded,currency,status,customer"
    for currency, amount, cents in (("jpy", 500, 500), ("isk", 500, 5), ("kwd", 1230, 1230), ("mga", 5, 500)):
        shop = make_shop(currency)
        shop.load(f"ch_1,1682935200,{amount},0,{currency},succeeded,cus_1", header=header)
        assert shop.column("SELECT total_cents FROM orders") == [cents]


def test_a_store_of_yen_of_the_version_before_gets_whole_yen(make_shop: Callable[..., Shop]) -> None:
    shop = make_shop(currency="JPY")
    shop.load("1,ann,2023-05-01,50000,paid,JPY,p,50000,20000,", header=HEADER)
    shop.age(2)
    with shop.open():
        assert shop.column("SELECT total_cents FROM orders") == [500]
        assert shop.column("SELECT amount_cents FROM order_items") == [500]
        assert shop.column("SELECT amount_cents FROM refunds") == [200]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[colums]\nstatus = "x"', "has no colums: did you mean columns?"),
        ('[tables.order]\nid = "x"', "tables has no order: did you mean orders?"),
        ('[tables.orders]\ntabel = "x"', "tables.orders has no tabel: did you mean table?"),
        ('rate_file = "x"', "has no rate_file: did you mean rates_file?"),
    ],
)
def test_a_mistyped_name_of_a_mapping(shop: Shop, text: str, message: str) -> None:
    mapping = shop.folder / "mapping.toml"
    mapping.write_text(text)
    with pytest.raises(InvalidParameter) as caught:
        load_mapping(mapping)
    assert message in caught.value.message


def test_money_is_shown_in_units_of_its_currency() -> None:
    assert money_text(-123456, "JPY") == "-123,456 JPY"


def test_the_page_knows_the_same_decimals() -> None:
    text = (Path(currencies.__file__).parent / "service/dashboard/static/format.js").read_text("utf-8")
    found = re.findall(r"\b([A-Z]{3}): (\d)", text)
    assert {code: int(digits) for code, digits in found} == currencies.UNUSUAL_DIGITS
