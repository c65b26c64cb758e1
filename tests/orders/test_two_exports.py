"""Two exports of one shop in one store: every customer's figures are those of plain SQL over the raw files."""

from __future__ import annotations

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
}
"""For each format, the customer, id, total and refund of each order that counts, in units of the currency as texts."""

PAIRS = [
    ("shopify", "stripe"),
    ("generic", "woocommerce"),
    ("woocommerce", "shopify"),
    ("etsy", "generic"),
    ("stripe", "woocommerce"),
]


@pytest.mark.parametrize("together", [True, False], ids=["together", "one after another"])
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_figures_are_those_of_the_raw_files(shop: Shop, pair: tuple[str, str], *, together: bool) -> None:
    files = {kind: shop.file(*EXPORTS[kind][1:], header=EXPORTS[kind][0], name=f"{kind}.csv") for kind in pair}
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
