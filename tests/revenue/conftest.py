"""A shop in memory: canonical tables for the expressions, and the same tables for their hand-written SQL twins."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest

from customer_revenue.policy import Policy, load_policy
from customer_revenue.tables import CANONICAL, Canonical

ORDERS = pa.schema(
    [
        ("id", pa.string()),
        ("user_id", pa.string()),
        ("total_cents", pa.int64()),
        ("status", pa.string()),
        ("created_at", pa.timestamp("us")),
    ]
)
USERS = pa.schema([("id", pa.string()), ("name", pa.string()), ("email", pa.string())])
ITEMS = pa.schema(
    [
        ("order_id", pa.string()),
        ("product_id", pa.string()),
        ("product_name", pa.string()),
        ("quantity", pa.int64()),
        ("amount_cents", pa.int64()),
    ]
)
REFUNDS = pa.schema(
    [
        ("id", pa.string()),
        ("order_id", pa.string()),
        ("user_id", pa.string()),
        ("amount_cents", pa.int64()),
        ("created_at", pa.timestamp("us")),
    ]
)

Rows = Sequence[tuple[Any, ...]]


class Shop:
    """Canonical tables in DuckDB, known up to the end of a day; the reporting zone is UTC."""

    def __init__(self, as_of: dt.date) -> None:
        self.con = duckdb.connect()
        self.as_of = as_of

    @classmethod
    def of(cls, as_of: dt.date, orders: Rows = (), users: Rows = (), items: Rows = (), refunds: Rows = ()) -> Shop:
        """A shop from literal rows; a moment is written as text."""
        shop = cls(as_of)
        for name, schema, rows in (
            ("orders", ORDERS, orders),
            ("users", USERS, users),
            ("order_items", ITEMS, items),
            ("refunds", REFUNDS, refunds),
        ):
            columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
            arrays = [
                pa.array(
                    [dt.datetime.fromisoformat(v) if field.type == pa.timestamp("us") else v for v in column]
                ).cast(field.type)
                for column, field in zip(columns, schema, strict=True)
            ]
            shop.con.register("given", pa.Table.from_arrays(arrays, schema=schema))
            shop.execute(f"CREATE TABLE {name} AS FROM given")
            shop.con.unregister("given")
        shop.add_days()
        return shop

    def add_days(self) -> None:
        """What every twin starts from: counted orders and refunds up to the as-of day, with their day."""
        self.execute(f"""
            CREATE VIEW counted AS SELECT *, CAST(created_at AS DATE) AS day FROM orders
            WHERE status IN ('paid', 'refunded') AND CAST(created_at AS DATE) <= DATE '{self.as_of}';
            CREATE VIEW returned AS SELECT *, CAST(created_at AS DATE) AS day FROM refunds
            WHERE CAST(created_at AS DATE) <= DATE '{self.as_of}' AND NOT EXISTS (
                FROM orders o WHERE o.id = order_id AND o.status NOT IN ('paid', 'refunded')
                AND CAST(o.created_at AS DATE) <= DATE '{self.as_of}');
            CREATE VIEW base AS
            SELECT s.*, u.name AS customer_name, u.email AS customer_email
            FROM ({self.summary_sql(dt.date.min)}) s LEFT JOIN users u ON u.id = s.customer_id WHERE total_orders > 0;
        """)

    def summary_sql(self, first_day: dt.date) -> str:
        """The hand-written twin of the summary."""
        return f"""
    WITH bought AS (
        SELECT user_id, count(*) AS orders, sum(total_cents) AS revenue, min(day) AS first_day, max(day) AS last_day,
            sum(total_cents) FILTER (status = 'refunded') AS refunded
        FROM counted WHERE day >= DATE '{first_day}' GROUP BY user_id
    ), got_back AS (
        SELECT user_id, sum(amount_cents) AS rows FROM returned r
        WHERE day >= DATE '{first_day}' AND NOT EXISTS (
            FROM counted c WHERE c.id = r.order_id AND c.status = 'refunded' AND c.day >= DATE '{first_day}')
        GROUP BY user_id
    ), ever AS (
        SELECT user_id, sum(total_cents) AS revenue,
            DATE '{self.as_of}' - min(day) AS age, DATE '{self.as_of}' - max(day) AS quiet
        FROM counted GROUP BY user_id
    ), everyone AS (SELECT user_id FROM counted UNION SELECT user_id FROM returned)
    SELECT user_id AS customer_id,
        coalesce(b.revenue, 0) AS total_revenue_cents, coalesce(orders, 0) AS total_orders,
        CASE WHEN orders > 0 THEN (2 * b.revenue + orders) // (2 * orders) ELSE 0 END AS avg_order_value_cents,
        first_day AS first_purchase_date, last_day AS last_purchase_date,
        coalesce(last_day - first_day, 0) AS customer_lifespan_days,
        CASE WHEN orders > 1 THEN (2 * (last_day - first_day) + orders) // (2 * orders) END
            AS purchase_frequency_days,
        CASE WHEN orders > 1 THEN CAST(last_day - first_day AS DOUBLE) / (orders - 1) END AS avg_days_between_purchases,
        coalesce(refunded, 0) + coalesce(rows, 0) AS total_refunds_cents,
        coalesce(b.revenue, 0) - coalesce(refunded, 0) - coalesce(rows, 0) AS net_revenue_cents,
        CASE WHEN e.revenue >= 1000000 THEN 'whale' WHEN e.revenue >= 100000 THEN 'high_value'
            WHEN e.revenue >= 10000 THEN 'medium_value' ELSE 'low_value' END AS customer_segment,
        CASE WHEN age < 30 THEN 'new' WHEN quiet < 60 THEN 'active' WHEN quiet <= 120 THEN 'at_risk'
            WHEN quiet > 120 THEN 'churned' END AS lifecycle_stage,
        CASE WHEN quiet <= 30 THEN 'highly_active' WHEN quiet <= 60 THEN 'active' WHEN quiet <= 90 THEN 'declining'
            WHEN quiet > 90 THEN 'at_risk' END AS activity_status,
        quiet AS days_since_purchase
    FROM everyone LEFT JOIN bought b USING (user_id) LEFT JOIN got_back USING (user_id) LEFT JOIN ever e USING (user_id)
    ORDER BY user_id"""

    @property
    def known(self) -> Canonical:
        tables = {name: ibis.table(schema, name=name) for name, schema in CANONICAL.items()}
        orders, refunds = tables["orders"], tables["refunds"]
        every = Canonical(
            orders=orders.mutate(day=orders.created_at.date()),
            users=tables["users"],
            order_items=tables["order_items"],
            refunds=refunds.mutate(day=refunds.created_at.date()),
        )
        return every.until(ibis.literal(dt.datetime.combine(self.as_of, dt.time.max)))

    @property
    def as_of_day(self) -> ir.DateScalar:
        return date(self.as_of)

    def execute(self, sql: str) -> None:
        self.con.execute(sql)

    def rows(self, table: ir.Table, *order: str) -> list[tuple[Any, ...]]:
        """The rows of an expression, sorted by some columns where its own order means nothing."""
        return self.twin(ibis.to_sql(table.order_by(*order) if order else table, dialect="duckdb"))

    def dicts(self, table: ir.Table) -> list[dict[str, Any]]:
        return [dict(zip(table.columns, row, strict=True)) for row in self.rows(table)]

    def twin(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a hand-written query."""
        found: list[tuple[Any, ...]] = self.con.execute(sql).fetchall()
        return found


def date(day: dt.date) -> ir.DateScalar:
    literal = ibis.literal(day, type="date")
    assert isinstance(literal, ir.DateScalar)
    return literal


def random_shop(seed: int, customers: int = 60) -> Shop:
    """Orders with all that is awkward: zero totals, one second, refunds of every kind, odd ids, unknown users."""
    rng = random.Random(seed)  # noqa: S311  # test data
    start = dt.datetime(2022, 11, 1)
    names = ["naïve/ü", "客戶", "a b%2F?", "🙂", "o'neil", "UPPER", "upper", " "]
    ids = [names[i] if i < len(names) else f"user_{i}" for i in range(customers)]
    orders: list[tuple[Any, ...]] = []
    items: list[tuple[Any, ...]] = []
    refunds: list[tuple[Any, ...]] = []
    for customer in ids:
        moment = start + dt.timedelta(days=rng.randint(0, 380), seconds=rng.randint(0, 86_399))
        for _ in range(rng.choice([0, 1, 1, 2, 3, 8, 20])):
            order_id = f"o{len(orders)}"
            total = rng.choice([0, 1, 999, 10_000, 50_000, rng.randint(1, 400_000)])
            status = rng.choices(["paid", "refunded", "cancelled"], [8, 2, 1])[0]
            orders.append((order_id, customer, total, status, moment.isoformat()))
            for line in range(rng.choice([0, 1, 1, 2, 3])):
                product = rng.choice("abcd")
                amount = rng.choice([total // (line + 2), total, 0])
                items.append((order_id, product, rng.choice([None, f"Product {product}", product]), 1, amount))
            if total and rng.random() < 0.3:
                later = moment + dt.timedelta(days=rng.choice([0, 3, 40, 100]))
                refunds.append((f"r{order_id}", order_id, customer, rng.randint(1, total), later.isoformat()))
            moment += dt.timedelta(days=rng.choice([0, 0, 1, 5, 29, 30, 31, 60, 120]))
        if rng.random() < 0.2:
            refunds.append((f"free{customer}", None, customer, 700, "2023-06-30T23:59:59.999999"))
    users = [(c, f"Name of {c}", rng.choice([None, f"{n}@example.org"])) for n, c in enumerate(ids) if n % 5]
    return Shop.of(dt.date(2023, 12, 15), orders, users, items, refunds)


def retail_shop(path: Path) -> Shop:
    """Online Retail: an invoice is an order, a cancellation a refund without an order id."""
    shop = Shop(dt.date(2011, 12, 9))
    shop.execute(f"""
        CREATE TEMP TABLE lines AS SELECT InvoiceNo AS invoice, CAST(CustomerID AS VARCHAR) AS customer,
            StockCode AS product, Description AS name, Quantity AS quantity,
            CAST(InvoiceDate AS TIMESTAMP) AS moment, CAST(round(Quantity * UnitPrice * 100) AS BIGINT) AS cents
        FROM read_parquet('{path}') WHERE CustomerID IS NOT NULL;
        CREATE TABLE orders AS SELECT invoice AS id, customer AS user_id, CAST(sum(cents) AS BIGINT) AS total_cents,
            'paid' AS status, min(moment) AS created_at
        FROM lines WHERE cents > 0 AND invoice NOT LIKE 'C%' GROUP BY ALL;
        CREATE TABLE order_items AS SELECT invoice AS order_id, product AS product_id, name AS product_name,
            quantity, cents AS amount_cents FROM lines WHERE cents > 0 AND invoice NOT LIKE 'C%';
        CREATE TABLE refunds AS SELECT invoice AS id, CAST(NULL AS VARCHAR) AS order_id, customer AS user_id,
            CAST(-sum(cents) AS BIGINT) AS amount_cents, min(moment) AS created_at
        FROM lines WHERE invoice LIKE 'C%' GROUP BY invoice, customer HAVING sum(cents) < 0;
        CREATE TABLE users AS SELECT DISTINCT customer AS id, CAST(NULL AS VARCHAR) AS name,
            CAST(NULL AS VARCHAR) AS email FROM lines;
    """)
    shop.add_days()
    return shop


MORE = [pytest.param(kind, marks=pytest.mark.thorough) for kind in ("random 2", "random 3", "Online Retail")]


@pytest.fixture(scope="session")
def policy() -> Policy:
    """The packaged policy with segments on total revenue, as in the specification and the hand-written twins."""
    policy = load_policy()
    return policy.model_copy(update={"segments": policy.segments.model_copy(update={"basis": "total"})})


@pytest.fixture(scope="session", params=["random 1", *MORE, "empty"])
def shop(request: pytest.FixtureRequest) -> Shop:
    """Every shop that a query is compared with its twin on."""
    kind: str = request.param
    if kind == "Online Retail":
        return retail_shop(request.getfixturevalue("online_retail"))
    if kind == "empty":
        return Shop.of(dt.date(2023, 12, 15))
    return random_shop(int(kind.split()[1]))


@pytest.fixture(scope="session")
def shop_of() -> Callable[..., Shop]:
    return Shop.of
