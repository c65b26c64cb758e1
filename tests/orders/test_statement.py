"""The statement of an import as text and as JSON."""

from __future__ import annotations

from customer_revenue.orders.imports.statement import BookCheck, ImportStatement, Totals

STATEMENT = ImportStatement(
    "EUR",
    (Totals("orders.csv", 1_200, 40, 1_234_500, 500),),
    Totals("before", 0, 0, 0, 0),
    Totals("after", 1_200, 40, 1_234_500, 500),
    ("2 orders went back from refunded to paid",),
    (BookCheck("lines read", agrees=True, detail="3 = 3"), BookCheck("totals", agrees=False, detail="1 differs")),
)


def test_the_text_has_a_row_for_each_file_and_the_store_before_and_after() -> None:
    assert STATEMENT.render().splitlines() == [
        "            orders  customers          gross   refunds            net",
        "orders.csv   1,200         40  12,345.00 EUR  5.00 EUR  12,340.00 EUR",
        "before           0          0       0.00 EUR  0.00 EUR       0.00 EUR",
        "after        1,200         40  12,345.00 EUR  5.00 EUR  12,340.00 EUR",
        "Changed: 2 orders went back from refunded to paid",
        "agrees    lines read: 3 = 3",
        "DISAGREES totals: 1 differs",
    ]


def test_the_json_has_the_same_in_cents() -> None:
    before = {"name": "before", "orders": 0, "customers": 0, "gross_cents": 0, "refunds_cents": 0, "net_cents": 0}
    after = {
        "name": "after",
        "orders": 1_200,
        "customers": 40,
        "gross_cents": 1_234_500,
        "refunds_cents": 500,
        "net_cents": 1_234_000,
    }
    assert STATEMENT.as_dict() == {
        "currency": "EUR",
        "files": [after | {"name": "orders.csv"}],
        "store_before": before,
        "store_after": after,
        "changes": ["2 orders went back from refunded to paid"],
        "checks": [
            {"check": "lines read", "agrees": True, "detail": "3 = 3"},
            {"check": "totals", "agrees": False, "detail": "1 differs"},
        ],
    }
