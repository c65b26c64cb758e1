"""Products bought after one another against hand-written SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pytest

from customer_revenue.revenue.affinity import PAIR_COLUMNS, first_purchases, next_products

if TYPE_CHECKING:
    from tests.revenue.conftest import Shop


def twin(least: int, start: str = "true") -> str:
    return f"""
    WITH firsts AS (
        SELECT user_id AS c, product_id AS p, max(product_name) AS name, min(day) AS d, sum(amount_cents) AS cents
        FROM counted JOIN order_items ON order_id = id GROUP BY 1, 2),
    sizes AS (SELECT p, count(*) AS n FROM firsts GROUP BY 1)
    SELECT a.p, (SELECT max(name) FROM firsts f WHERE f.p = a.p) AS name, b.p,
        (SELECT max(name) FROM firsts f WHERE f.p = b.p) AS next_name, count(*) AS support,
        CAST(count(*) AS DOUBLE) / any_value(na.n) AS confidence,
        CAST(count(*) AS DOUBLE) / any_value(na.n) * (SELECT count(DISTINCT c) FROM firsts) / any_value(nb.n),
        (2 * sum(b.cents) + count(*)) // (2 * count(*)),
        (2 * sum(date_diff('day', a.d, b.d)) + count(*)) // (2 * count(*))
    FROM firsts a JOIN firsts b ON a.c = b.c AND a.d < b.d
    JOIN sizes na ON na.p = a.p JOIN sizes nb ON nb.p = b.p
    WHERE {start} GROUP BY a.p, b.p HAVING count(*) >= {least} ORDER BY a.p, b.p"""


@pytest.mark.parametrize("start", [None, ["a", "22423"]])
def test_next_products_equal_their_twin(shop: Shop, start: list[str] | None) -> None:
    least = 200 if shop.as_of.year == 2011 else 2
    wanted = None
    if start is not None:
        shop.execute(f"CREATE OR REPLACE TABLE owned AS SELECT unnest({start}) AS product_id")
        wanted = ibis.table({"product_id": "string"}, name="owned")
    table = next_products(first_purchases(shop.known), least, wanted)
    assert table.columns == PAIR_COLUMNS
    condition = "true" if start is None else f"a.p IN ({', '.join(map(repr, start))})"
    assert shop.rows(table, "product_id", "next_product_id") == shop.twin(twin(least, condition))
