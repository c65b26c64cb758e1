"""Two exports of one shop in one store: every customer's figures are those of plain SQL over the raw files."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from customer_revenue.policy import load_policy
from customer_revenue.revenue.view import VIEW_NAME, customer_revenue_analysis

if TYPE_CHECKING:
    from tests.orders.conftest import Shop

VIEWS = {VIEW_NAME: lambda known, day: customer_revenue_analysis(known, day, load_policy())}

SHOPIFY = (
    "Name,Email,Financial Status,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Refunded Amount,"
    "Cancelled at,Currency,Discount Code,Source"
)
PAYPAL = (
    "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,From Email Address,To Email Address,Transaction ID,"
    "Reference Txn ID"
)
EXPORTS = {
    "shopify": (
        SHOPIFY,
        "#1001,ann@x.org,paid,30.00,2023-05-01 10:00:00 +0000,1,Pen,20.00,0.00,,USD,SPRING,web",
        "#1001,ann@x.org,,,,1,Ink,10.00,,,,,",
        "#1002,bob@x.org,partially_refunded,50.10,2023-05-02 11:00:00 +0000,1,Pen,50.10,12.35,,USD,,pos",
        "#1003,ann@x.org,refunded,15.00,2023-05-03 11:00:00 +0000,1,Ink,15.00,15.00,,USD,,web",
        "#1004,eve@x.org,paid,99.00,2023-05-04 11:00:00 +0000,1,Pen,99.00,0.00,2023-05-04 12:00:00 +0000,USD,,web",
        "#1005,eve@x.org,pending,10.00,2023-05-04 13:00:00 +0000,1,Pen,10.00,0.00,,USD,,web",
    ),
    "stripe": (
        "id,Created (UTC),Amount,Amount Refunded,Currency,Status,Captured,Customer Email",
        "ch_1,2023-06-01 10:00,19.99,0.00,usd,Paid,true,ann@x.org",
        "ch_2,2023-06-02 10:00,20.00,5.01,usd,Paid,true,bob@x.org",
        "ch_3,2023-06-03 10:00,40.00,40.00,usd,Refunded,true,eve@x.org",
        "ch_4,2023-06-04 10:00,70.00,0.00,usd,Failed,false,eve@x.org",
    ),
    "woocommerce": (
        "order_id,order_date,status,order_total,currency,customer_id,billing_email,refunds,coupon_items",
        "501,2023-07-01 09:00:00,completed,25.00,USD,0,ann@x.org,,code:SUMMER|amount:2.00",
        "502,2023-07-02 09:00:00,processing,12.50,USD,0,bob@x.org,amount:-2.50,",
        "503,2023-07-03 09:00:00,refunded,80.00,USD,0,bob@x.org,,",
        "504,2023-07-04 09:00:00,on-hold,60.00,USD,0,eve@x.org,,",
    ),
    "generic": (
        "order_id,user_id,created_at,total_cents,status,refund_cents,channel",
        "g1,ann@x.org,2023-08-01,1000,paid,,till",
        "g2,bob@x.org,2023-08-02,2000,paid,2000,till",
        "g3,eve@x.org,2023-08-03,333,refunded,,till",
        "g4,eve@x.org,2023-08-04,500,cancelled,100,till",
    ),
    "etsy": (
        "Sale Date,Order ID,Buyer,Full Name,Currency,Order Value,Order Total,Adjusted Order Total,Status",
        "09/13/23,9001,ann@x.org,Ann,USD,10.00,12.00,,Completed",
        "09/14/23,9002,bob@x.org,Bob,USD,10.00,14.00,9.00,Shipped",
    ),
    "stripe charges": (
        "id,created,amount,amount_refunded,currency,customer_email,status,captured,paid",
        "ch_a,1694700000,1999,0,usd,ann@x.org,succeeded,true,true",
        "ch_b,1694800000,2500,1,usd,bob@x.org,succeeded,true,true",
        "ch_c,1694900000,700,0,usd,bob@x.org,failed,false,false",
    ),
    "online retail": (
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
        "536365,A,Lamp,6,13/10/2023 08:26,2.55,17850,United Kingdom",
        "536365,B,Cup,2,13/10/2023 08:26,3.39,17850,United Kingdom",
        "536366,A,Lamp,1,14/10/2023 09:00,2.55,13047,France",
        "C536367,A,Lamp,-2,15/10/2023 09:00,2.55,17850,United Kingdom",
    ),
    "paypal": (
        PAYPAL,
        "10/25/2023,23:30:00,PDT,Ann,Website Payment,Completed,USD,200.50,ann@x.org,s@x.org,T1,",
        "10/26/2023,10:00:00,PDT,Ann,Payment Refund,Completed,USD,-20.50,s@x.org,ann@x.org,T2,T1",
        "10/27/2023,10:00:00,PDT,Bob,Express Checkout Payment,Pending,USD,5.00,bob@x.org,s@x.org,T4,",
        "10/28/2023,10:00:00,PDT,Eve,Express Checkout Payment,Completed,USD,7.77,eve@x.org,s@x.org,T5,",
    ),
    "square": (
        "Date,Time,Time Zone,Net Sales,Tax,Tip,Total Collected,Transaction ID,Payment ID,Customer ID,Event Type",
        "11/25/2023,20:00:00,Eastern Time (US & Canada),$20.00,$2.00,$3.00,$25.00,S1,P1,C1,Payment",
        "11/26/2023,10:00:00,Eastern Time (US & Canada),$10.00,$1.00,$0.00,$11.00,S2,P2,C2,Payment",
        "11/27/2023,10:00:00,Eastern Time (US & Canada),-$5.00,-$0.50,$0.00,-$5.50,S3,P3,C1,Refund",
    ),
    "amazon": (
        "amazon-order-id,purchase-date,order-status,buyer-email,sku,quantity,currency,item-price,item-tax",
        "11-1,2023-12-01T10:00:00+00:00,Shipped,ann@x.org,A,1,USD,10.00,1.00",
        "11-1,2023-12-01T10:00:00+00:00,Shipped,ann@x.org,B,2,USD,20.00,2.05",
        "11-2,2023-12-02T10:00:00+00:00,Cancelled,bob@x.org,B,1,USD,20.00,2.00",
        "11-3,2023-12-03T10:00:00+00:00,Shipped,bob@x.org,B,1,USD,5.00,",
    ),
    "bigcommerce": (
        "Order ID,Order Status,Order Date,Order Total (inc tax),Customer ID,Customer Email,Refunded Amount",
        "1,Shipped,25/12/2023,12.00,0,ann@x.org,2.00",
        "2,Refunded,26/12/2023,13.00,5,bob@x.org,13.00",
        "3,Awaiting Payment,26/12/2023,12.00,5,bob@x.org,",
    ),
    "magento": (
        "ID,Purchase Date,Grand Total (Base),Status,Customer Email,Total Refunded",
        '000001,"Jan 25, 2024 10:00:00 AM","$1,012.00",complete,ann@x.org,$12.00',
        '000002,"Jan 26, 2024 10:00:00 AM",$7.00,canceled,ann@x.org,',
        '000003,"Jan 27, 2024 10:00:00 AM",$9.99,closed,bob@x.org,$9.99',
    ),
    "log": (
        "customer,date,amount",
        "ann@x.org,2024-02-01,10.00",
        "ann@x.org,2024-02-01,10.00",
        "bob@x.org,2024-02-02,5",
    ),
}
"""For each format, an export by its public description."""

BY_HAND = {
    "shopify": """
        SELECT "Email" AS customer, 'shopify ' || "Name" AS id, "Total" AS total,
            CASE WHEN "Financial Status" = 'refunded' THEN "Total" ELSE "Refunded Amount" END AS refund
        FROM {file} WHERE "Financial Status" IN ('paid', 'partially_refunded', 'refunded') AND "Cancelled at" IS NULL
    """,
    "stripe": """
        SELECT "Customer Email", id, "Amount", "Amount Refunded" FROM {file} WHERE "Status" IN ('Paid', 'Refunded')
    """,
    "woocommerce": """
        SELECT billing_email, order_id, order_total,
            CASE WHEN status = 'refunded' THEN order_total ELSE split_part(refunds, 'amount:-', 2) END
        FROM {file} WHERE status IN ('completed', 'processing', 'refunded')
    """,
    "generic": """
        SELECT user_id, order_id, CAST(CAST(total_cents AS DECIMAL(18, 2)) / 100 AS VARCHAR),
            CAST(CAST(CASE WHEN status = 'refunded' THEN total_cents ELSE refund_cents END AS DECIMAL(18, 2)) / 100
                AS VARCHAR)
        FROM {file} WHERE status IN ('paid', 'refunded')
    """,
    "etsy": """
        SELECT "Buyer", "Order ID", "Order Total",
            CAST(CAST("Order Total" AS DECIMAL(18, 2)) - CAST("Adjusted Order Total" AS DECIMAL(18, 2)) AS VARCHAR)
        FROM {file}
    """,
    "stripe charges": """
        SELECT customer_email, id, CAST(CAST(amount AS DECIMAL(18, 2)) / 100 AS VARCHAR),
            CAST(CAST(amount_refunded AS DECIMAL(18, 2)) / 100 AS VARCHAR)
        FROM {file} WHERE status = 'succeeded'
    """,
    "online retail": """
        SELECT CustomerID, InvoiceNo, CASE WHEN amount > 0 THEN CAST(amount AS VARCHAR) END,
            CASE WHEN amount < 0 THEN CAST(-amount AS VARCHAR) END
        FROM (SELECT *, CAST(Quantity AS INTEGER) * CAST(UnitPrice AS DECIMAL(9, 2)) AS amount FROM {file})
    """,
    "paypal": """
        SELECT CASE WHEN Type = 'Payment Refund' THEN "To Email Address" ELSE "From Email Address" END,
            "Transaction ID", CASE WHEN Type <> 'Payment Refund' THEN Gross END,
            CASE WHEN Type = 'Payment Refund' THEN replace(Gross, '-', '') END
        FROM {file} WHERE Status = 'Completed'
    """,
    "square": """
        SELECT "Customer ID", "Transaction ID", CASE WHEN kept > 0 THEN CAST(kept AS VARCHAR) END,
            CASE WHEN kept < 0 THEN CAST(-kept AS VARCHAR) END
        FROM (SELECT *, CAST(regexp_replace("Total Collected", '[$£]', '') AS DECIMAL(9, 2))
            - CAST(regexp_replace(Tip, '[$£]', '') AS DECIMAL(9, 2)) AS kept FROM {file})
    """,
    "amazon": """
        SELECT "buyer-email", "amazon-order-id",
            CAST(CAST("item-price" AS DECIMAL(9, 2)) + coalesce(TRY_CAST("item-tax" AS DECIMAL(9, 2)), 0) AS VARCHAR),
            NULL
        FROM {file} WHERE "order-status" = 'Shipped'
    """,
    "bigcommerce": """
        SELECT CASE WHEN "Customer ID" = '0' THEN "Customer Email" ELSE "Customer ID" END, "Order ID",
            "Order Total (inc tax)", "Refunded Amount"
        FROM {file} WHERE "Order Status" <> 'Awaiting Payment'
    """,
    "magento": """
        SELECT "Customer Email", ID, regexp_replace("Grand Total (Base)", '[$£,]', '', 'g'),
            regexp_replace("Total Refunded", '[$£,]', '', 'g')
        FROM {file} WHERE Status IN ('complete', 'closed')
    """,
    "log": "SELECT customer, NULL, amount, '' FROM {file}",
}
"""For each format, the customer, id, total and refund of each order that counts, in units of the currency as texts."""

_NAMES = list(EXPORTS)
NEXT = [(name, _NAMES[(place + 5) % len(_NAMES)]) for place, name in enumerate(_NAMES)]
"""Each format with another one."""
OTHERS = [pair for pair in combinations(_NAMES, 2) if pair not in NEXT and pair[::-1] not in NEXT]


@pytest.mark.parametrize(
    "together", [True, pytest.param(False, marks=pytest.mark.exhaustive)], ids=["together", "one after another"]
)
@pytest.mark.parametrize("pair", NEXT, ids="-".join)
def test_figures_are_those_of_the_raw_files(shop: Shop, pair: tuple[str, str], *, together: bool) -> None:
    _compare(shop, pair, together=together)


@pytest.mark.exhaustive
@pytest.mark.parametrize("pair", OTHERS, ids="-".join)
def test_figures_of_any_two_formats_are_those_of_the_raw_files(shop: Shop, pair: tuple[str, str]) -> None:
    _compare(shop, pair, together=True)


@pytest.mark.thorough
def test_figures_of_all_formats_in_one_store_are_those_of_the_raw_files(shop: Shop) -> None:
    _compare(shop, _NAMES, together=False)


def _compare(shop: Shop, formats: Sequence[str], *, together: bool) -> None:
    pounds = "online retail" in formats  # which is in pounds by its format
    shop.settings = shop.settings.model_copy(update={"currency": "GBP" if pounds else ""})
    files = {}
    for kind in formats:
        header, *lines = (_in_pounds(line) if pounds else line for line in EXPORTS[kind])
        files[kind] = shop.file(*lines, header=header, name=f"{kind.replace(' ', '_')}.csv")
    parts = [list(files.values())] if together else [[file] for file in files.values()]
    for part in parts:
        summary = shop.files(*part, views=VIEWS)
        assert summary.quarantined == {}
    expected = _by_hand(files)
    stored = shop.query(
        "SELECT user_id, total_revenue_cents, total_refunds_cents, net_revenue_cents"
        f" FROM {VIEW_NAME} WHERE total_revenue_cents > 0 ORDER BY user_id"
    )
    assert stored == expected
    after = summary.statement.after
    assert after.gross_cents == sum(gross for _, gross, _, _ in expected)
    assert after.refunds_cents == sum(refunds for _, _, refunds, _ in expected)
    assert after.net_cents == sum(net for _, _, _, net in expected)
    before = shop.contents()
    shop.files(*files.values(), views=VIEWS)
    assert shop.contents() == before


def _in_pounds(line: str) -> str:
    return line.replace("USD", "GBP").replace("usd", "gbp").replace("$", "£")


def _by_hand(files: dict[str, Path]) -> list[tuple[str, int, int, int]]:
    """Each customer's gross, refunds and net in cents, by SQL over the texts of the files."""
    orders = " UNION ALL ".join(
        BY_HAND[kind].format(file=f"read_csv('{path}', header=true, all_varchar=true)") for kind, path in files.items()
    )
    cents = "CAST(coalesce(sum(CAST(nullif({}, '') AS DECIMAL(18, 2))), 0) * 100 AS BIGINT)".format
    with duckdb.connect() as con:
        return con.execute(
            f"SELECT customer, {cents('total')} AS gross, {cents('refund')} AS refunds, gross - refunds"
            f" FROM ({orders}) AS o (customer, id, total, refund) GROUP BY customer ORDER BY customer"
        ).fetchall()
