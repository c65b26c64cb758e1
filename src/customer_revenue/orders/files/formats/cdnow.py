"""The CDNOW master file."""

from __future__ import annotations

from customer_revenue.orders.files.formats.format import Column, Format, Kind

CDNOW = Format(
    name="cdnow",
    title="customer_id date number_of_cds dollar_value, separated by spaces (CDNOW master file)",
    columns=(
        Column("customer_id", Kind.CUSTOMER),
        Column("date", Kind.TIME),
        Column("number_of_cds", Kind.INTEGER),
        Column("dollar_value", Kind.MONEY),
    ),
    # The file has no order ids: orders are numbered within a customer's day, in the order of the file.
    line={
        "order_id": "customer_id || '-' || strftime(date, '%Y%m%d')",
        "user_id": "customer_id",
        "created_at": "date",
        "total_cents": "dollar_value",
        "status": "'paid'",
        "product_id": "'cd'",
        "product_name": "'CD'",
        "quantity": "number_of_cds",
        "amount_cents": "dollar_value",
    },
    numbers_orders=True,
    currency="USD",
    is_sample=True,
)
