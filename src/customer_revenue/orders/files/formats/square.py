"""Square's export of transactions."""

from __future__ import annotations

from customer_revenue.orders.files.formats.format import Column, Format, Kind
from customer_revenue.orders.files.formats.optional_columns import optional_column

_SQUARE_IS_REFUND = "(lower(event_type) = 'refund' OR total_collected < 0)"

SQUARE = Format(
    name="square",
    id_column="transaction_id",
    title="Square transactions: Date,Time,Time Zone,…,Tip,Total Collected,Transaction ID,Customer ID,Event Type",
    columns=(
        Column("date", Kind.TIME, time_of_day="time", zone="time_zone"),
        Column("time", required=False),
        Column("time_zone", required=False),
        # Includes tax and gift cards; a tip is the staff's.
        Column("total_collected", Kind.MONEY),
        Column("tip", Kind.MONEY, required=False),
        Column("transaction_id", Kind.ID),
        Column("payment_id", Kind.ID, required=False),
        Column("customer_id", Kind.CUSTOMER),
        Column("customer_name", required=False),
        Column("description", required=False),
        Column("event_type", required=False),
        Column("transaction_status", required=False),
        optional_column("channel", "Source"),
        optional_column("discount", "Discounts"),
    ),
    personal_columns=("customer_name",),
    line={
        "role": f"CASE WHEN {_SQUARE_IS_REFUND} THEN 'refund' ELSE 'order' END",
        "order_id": f"CASE WHEN NOT {_SQUARE_IS_REFUND} THEN transaction_id END",
        "refund_id": f"CASE WHEN {_SQUARE_IS_REFUND} THEN coalesce(payment_id, transaction_id) END",
        "user_id": "customer_id",
        "created_at": "date",
        "total_cents": f"CASE WHEN NOT {_SQUARE_IS_REFUND} THEN total_collected - coalesce(tip, 0) END",
        "status": "CASE WHEN lower(coalesce(transaction_status, 'complete')) IN ('complete', 'completed') THEN 'paid'"
        " ELSE lower(transaction_status) END",
        "product_name": f"CASE WHEN NOT {_SQUARE_IS_REFUND} THEN description END",
        "refund_cents": f"CASE WHEN {_SQUARE_IS_REFUND} THEN -(total_collected - coalesce(tip, 0)) END",
        "user_name": "customer_name",
        "channel": "channel",
        "discount_cents": "abs(discount)",
    },
)

SQUARE_ITEMS = Format(
    name="square_items",
    id_column="transaction_id",
    title="Square items: Date,Time,Time Zone,Item,Qty,…,Net Sales,Tax,Transaction ID,Event Type,Customer ID",
    columns=(
        Column("date", Kind.TIME, time_of_day="time", zone="time_zone"),
        Column("time", required=False),
        Column("time_zone", required=False),
        Column("item"),
        Column("sku", required=False),
        Column("quantity", Kind.DECIMAL, other_names=("Qty",)),
        Column("net_sales", Kind.MONEY),
        Column("tax", Kind.MONEY, required=False),
        Column("transaction_id", Kind.ID),
        Column("event_type", required=False),
        Column("customer_id", Kind.CUSTOMER),
        Column("customer_name", required=False),
        optional_column("category"),
        optional_column("channel"),
        optional_column("discount", "Discounts"),
    ),
    personal_columns=("customer_name",),
    line={
        "role": "CASE WHEN net_sales < 0 THEN 'refund' ELSE 'order' END",
        "order_id": "CASE WHEN net_sales >= 0 THEN transaction_id END",
        "refund_id": "CASE WHEN net_sales < 0 THEN transaction_id END",
        "user_id": "customer_id",
        "created_at": "date",
        "status": "'paid'",
        "product_id": "coalesce(sku, item)",
        "product_name": "item",
        "quantity": "CAST(round(quantity) AS BIGINT)",
        "amount_cents": "CASE WHEN net_sales > 0 THEN net_sales + coalesce(tax, 0) END",
        "refund_cents": "CASE WHEN net_sales < 0 THEN -(net_sales + coalesce(tax, 0)) END",
        "user_name": "customer_name",
        "category": "category",
        "channel": "channel",
        "discount_cents": "abs(discount)",
    },
    total_is_summed=True,
    requires_amount=True,
)
