"""Cost and profit against hand-written SQL, and to the cent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
import pytest

from customer_revenue.policy import Margin
from customer_revenue.revenue.profit import (
    cost_movements,
    profit_by_customer,
    profit_by_month,
    profit_by_product,
    total_profit,
)
from customer_revenue.tables import CANONICAL

if TYPE_CHECKING:
    from tests.revenue.conftest import Shop

AS_OF = dt.date(2023, 12, 15)
MARGIN = Margin(assumed_percent=37, by_category={"even": 20}, by_product={"a": 55})
HALF_UP = "CAST(floor((2 * ({}) + {}) / (2.0 * {})) AS BIGINT)"
ASSUMED = HALF_UP.format("{} * 63", 100, 100)

LINES = f"""
    CREATE OR REPLACE VIEW priced AS SELECT *,
        CASE WHEN hash(order_id || product_id) % 2 = 0 THEN 'even' END AS category,
        CASE WHEN hash(product_id || order_id) % 3 = 0 THEN amount_cents // 3 END AS cost_cents FROM order_items;
    CREATE OR REPLACE VIEW priced_lines AS SELECT order_id, product_id, product_name, amount_cents,
        CASE WHEN cost_cents IS NOT NULL THEN cost_cents
            WHEN product_id = 'a' THEN {HALF_UP.format("amount_cents * 45", 100, 100)}
            WHEN category = 'even' THEN {HALF_UP.format("amount_cents * 80", 100, 100)}
            ELSE {ASSUMED.format("amount_cents")} END AS cost,
        CASE WHEN cost_cents IS NOT NULL THEN 0 WHEN product_id = 'a' OR category = 'even' THEN 1 ELSE 3 END AS rank
    FROM priced;
    CREATE OR REPLACE VIEW priced_orders AS
    SELECT c.*, CASE WHEN n IS NULL THEN {ASSUMED.format("total_cents")} WHEN total_cents <= lines THEN cost
            WHEN lines > 0 THEN cost + {HALF_UP.format("(total_cents - lines) * cost", "lines", "lines")}
            ELSE cost + {ASSUMED.format("(total_cents - lines)")} END AS cost,
        CASE WHEN n IS NULL THEN 3 WHEN total_cents > lines AND lines = 0 THEN greatest(worst, 2) ELSE worst END AS rank
    FROM counted c LEFT JOIN (SELECT order_id, count(*) AS n, sum(amount_cents) AS lines, sum(cost) AS cost,
        CASE WHEN max(rank) < 3 OR min(rank) = 3 THEN max(rank) ELSE 2 END AS worst
        FROM priced_lines GROUP BY 1) l ON l.order_id = c.id;
    CREATE OR REPLACE VIEW cost_moves AS
    SELECT user_id, day, total_cents AS revenue, CASE WHEN status = 'refunded' THEN total_cents ELSE 0 END AS back,
        CASE WHEN status = 'refunded' THEN 0 ELSE cost END AS cost, rank FROM priced_orders
    UNION ALL SELECT r.user_id, r.day, 0, r.amount_cents, CASE WHEN o.total_cents > 0
        THEN -{HALF_UP.format("least(r.amount_cents, o.total_cents) * o.cost", "o.total_cents", "o.total_cents")}
        ELSE -{ASSUMED.format("r.amount_cents")} END, CASE WHEN o.total_cents > 0 THEN o.rank ELSE 3 END
    FROM returned r LEFT JOIN priced_orders o ON o.id = r.order_id
    WHERE o.status IS NULL OR o.status <> 'refunded';"""

SUMS = """CAST(sum(revenue) AS BIGINT), CAST(sum(back) AS BIGINT), CAST(sum(revenue) - sum(back) AS BIGINT),
    CAST(sum(cost) AS BIGINT), CAST(sum(revenue) - sum(back) - sum(cost) AS BIGINT),
    CASE WHEN min(rank) = 3 THEN 'assumed' WHEN max(rank) >= 2 THEN 'partly_assumed' WHEN max(rank) = 1 THEN 'policy'
    ELSE 'measured' END"""


def lines_of(shop: Shop) -> ir.Table:
    shop.execute(LINES)
    schema = {**CANONICAL["order_items"], "category": "string", "cost_cents": "int64"}
    return ibis.table(schema, name="priced")


def test_profit_by_customer_equals_its_twin(shop: Shop) -> None:
    moves = cost_movements(shop.known, lines_of(shop), MARGIN)
    expected = shop.twin(f"SELECT user_id, {SUMS} FROM cost_moves GROUP BY 1 ORDER BY 6 DESC, 1")
    assert shop.rows(profit_by_customer(moves)) == expected


def test_profit_by_month_equals_its_twin(shop: Shop) -> None:
    moves = cost_movements(shop.known, lines_of(shop), MARGIN)
    month = "date_diff('month', DATE '0001-01-01', date_trunc('month', day)) + 12"
    assert shop.rows(profit_by_month(moves)) == shop.twin(
        f"SELECT {month}, {SUMS} FROM cost_moves GROUP BY 1 ORDER BY 1"
    )


def test_profit_by_product_equals_its_twin(shop: Shop) -> None:
    rows = shop.rows(profit_by_product(shop.known, lines_of(shop), MARGIN))
    sums = SUMS.replace("sum(revenue)", "sum(amount_cents)").replace("sum(back)", "0")
    assert rows == shop.twin(f"""SELECT product_id, max(product_name), {sums} FROM priced_lines
        WHERE order_id IN (SELECT id FROM counted WHERE status = 'paid') GROUP BY 1 ORDER BY 7 DESC, 1""")


def test_revenue_less_cost_is_profit_to_the_cent(shop: Shop) -> None:
    moves = cost_movements(shop.known, lines_of(shop), MARGIN)
    (total,) = shop.dicts(total_profit(moves))
    (net,) = shop.twin(
        "SELECT coalesce(CAST(sum(net_revenue_cents) AS BIGINT), 0) FROM (FROM base UNION ALL BY NAME "
        f"(SELECT * FROM ({shop.summary_sql(dt.date.min)}) WHERE total_orders = 0))"
    )[0]
    assert total["net_revenue_cents"] == net
    assert total["net_revenue_cents"] - total["cost_cents"] == total["profit_cents"]
    for by in (profit_by_customer, profit_by_month):
        assert sum(row["profit_cents"] for row in shop.dicts(by(moves))) == total["profit_cents"]


@pytest.mark.parametrize(
    ("cost", "refunds", "profit", "basis"),
    [
        (700, [], 1000 - 700, "measured"),
        (None, [], 400, "assumed"),
        (700, [("r", "1", "u", 500, "2023-05-03")], 500 - 350, "measured"),
        (700, [("r", None, "u", 500, "2023-05-03")], 500 - 700 + 300, "partly_assumed"),
        (700, [("r", "1", "u", 1000, "2023-05-03")], 0, "measured"),
    ],
)
def test_a_refund_takes_its_share_of_the_cost_back(
    shop_of: Callable[..., Shop], cost: int | None, refunds: list[tuple[object, ...]], profit: int, basis: str
) -> None:
    shop = shop_of(AS_OF, [("1", "u", 1000, "paid", "2023-05-01")], (), [("1", "p", None, 1, 1000)], refunds)
    lines = shop.known.order_items.mutate(category=ibis.null("string"), cost_cents=ibis.literal(cost, type="int64"))
    (row,) = shop.dicts(profit_by_customer(cost_movements(shop.known, lines, Margin(assumed_percent=40))))
    assert (row["profit_cents"], row["margin_basis"]) == (profit, basis)
