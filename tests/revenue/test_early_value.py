"""What each customer brought within some days, against hand-written SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pytest

from customer_revenue.revenue.early_value import early_value

if TYPE_CHECKING:
    from tests.revenue.conftest import Shop

LEVELS = ibis.table({"customer_id": "string", "level": "string"}, name="sizes")


@pytest.mark.parametrize(("mature", "since"), [(0, 30), (14, 300)])
def test_early_value_equals_its_twin(shop: Shop, mature: int, since: int) -> None:
    shop.execute("CREATE OR REPLACE TABLE sizes AS SELECT DISTINCT user_id AS customer_id, 'x' AS level FROM counted")
    rows = shop.rows(early_value(shop.known, LEVELS, shop.as_of_day, mature, since), "customer_id")
    assert rows == shop.twin(f"""
        WITH firsts AS (SELECT * FROM counted QUALIFY row_number() OVER (
            PARTITION BY user_id ORDER BY created_at, id) = 1),
        moves AS (
            SELECT user_id, day, CASE status WHEN 'paid' THEN total_cents ELSE 0 END AS net FROM counted
            UNION ALL SELECT user_id, day, -amount_cents FROM returned r
            WHERE NOT EXISTS (FROM counted c WHERE c.id = r.order_id AND c.status = 'refunded'))
        SELECT f.user_id, f.id, f.created_at, u.email, 'x',
            CAST(sum(CASE WHEN m.day - f.day <= {mature} THEN net ELSE 0 END) AS BIGINT)
        FROM firsts f JOIN moves m USING (user_id) LEFT JOIN users u ON u.id = f.user_id
        WHERE DATE '{shop.as_of}' - f.day BETWEEN {mature} AND {mature + since - 1} GROUP BY ALL ORDER BY 1""")
