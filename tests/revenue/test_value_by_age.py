"""What customers brought by age, against hand-written SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pytest

from customer_revenue.revenue.value_by_age import acquired_by_day, spread_of_value, value_by_age

if TYPE_CHECKING:
    from tests.revenue.conftest import Shop

ENDS = (0, 30, 90, 365)
LEVELS = ibis.table({"customer_id": "string", "level": "string"}, name="levels")
COHORT = "date_diff('month', DATE '0001-01-01', date_trunc('month', min(day))) + 12"


@pytest.fixture
def grouped(shop: Shop) -> Shop:
    shop.execute(
        f"""
        CREATE OR REPLACE TABLE levels AS SELECT DISTINCT user_id AS customer_id,
            CASE hash(user_id) % 3 WHEN 0 THEN 'x' WHEN 1 THEN 'y' END AS level FROM counted;
        CREATE OR REPLACE VIEW firsts AS SELECT user_id, level, min(day) AS first_day, {COHORT} AS cohort,
            DATE '{shop.as_of}' - min(day) AS observed FROM counted JOIN levels ON customer_id = user_id GROUP BY 1, 2;
        CREATE OR REPLACE VIEW net_moves AS
        SELECT user_id, day, CASE status WHEN 'paid' THEN total_cents ELSE 0 END AS net FROM counted
        UNION ALL SELECT user_id, day, -amount_cents FROM returned r
        WHERE NOT EXISTS (FROM counted c WHERE c.id = r.order_id AND c.status = 'refunded');
        CREATE OR REPLACE VIEW aged AS SELECT *,
            CASE WHEN day - first_day <= 0 THEN 0 WHEN day - first_day <= 30 THEN 30
                WHEN day - first_day <= 90 THEN 90 WHEN day - first_day <= 365 THEN 365 END AS age_end
        FROM net_moves JOIN firsts USING (user_id);"""
    )
    return shop


def test_customers_by_day_equal_their_twin(grouped: Shop) -> None:
    table = acquired_by_day(grouped.known, LEVELS, grouped.as_of_day)
    rows = grouped.rows(table, "level", "cohort", "observed_days")
    expected = grouped.twin("SELECT level, cohort, observed, count(*) FROM firsts GROUP BY ALL ORDER BY 1, 2, 3")
    assert rows == expected


@pytest.mark.parametrize("window", [120, 10_000])
def test_value_by_age_equals_its_twin(grouped: Shop, window: int) -> None:
    table = value_by_age(grouped.known, LEVELS, grouped.as_of_day, ENDS, window)
    assert grouped.rows(table, "level", "cohort", "age_end") == grouped.twin(f"""
        SELECT level, cohort, age_end, CAST(sum(net) AS BIGINT) FROM aged
        WHERE age_end <= observed AND observed - age_end < {window} GROUP BY ALL ORDER BY 1, 2, 3""")


def test_spread_equals_its_twin(grouped: Shop) -> None:
    table = spread_of_value(grouped.known, LEVELS, grouped.as_of_day, ENDS, 10_000)
    rows = grouped.rows(table, "is_first")
    expected = grouped.twin("""
        SELECT part, CAST(sum(own) AS BIGINT), CAST(sum(own * CAST(own AS DOUBLE)) AS DOUBLE) FROM (
            SELECT user_id, CASE age_end WHEN 0 THEN 1 ELSE 0 END AS part, sum(net) AS own FROM aged
            WHERE age_end <= observed GROUP BY ALL) GROUP BY 1 ORDER BY 1""")
    assert [row[:2] for row in rows] == [row[:2] for row in expected]
    assert [row[2] for row in rows] == pytest.approx([row[2] for row in expected])
