"""The generic format: one line per order, or per item of an order."""

from __future__ import annotations

from customer_revenue.orders.files.formats.format import Column, Format, Kind
from customer_revenue.orders.files.formats.optional_columns import ALL_OPTIONAL, OPTIONAL_LINE

GENERIC = Format(
    name="generic",
    id_column="order_id",
    title="order_id,user_id,created_at,total_cents|total,status[,product_id,product_name,quantity,amount_cents]"
    "[,refund_cents][,refunded_at][,currency][,updated_at][,user_name,user_email][,channel][,country]…;"
    " several lines of one order are its items",
    columns=(
        Column("order_id", Kind.ID),
        Column("user_id", Kind.CUSTOMER, other_names=("customer_id",)),
        Column("created_at", Kind.TIME, other_names=("ordered_at",)),
        Column("total_cents", Kind.CENTS, required=False),
        Column("total", Kind.MONEY, required=False),
        Column("status"),
        Column("product_id", required=False),
        Column("product_name", required=False),
        Column("quantity", Kind.INTEGER, required=False),
        Column("amount_cents", Kind.CENTS, required=False),
        Column("amount", Kind.MONEY, required=False),
        Column("refund_cents", Kind.CENTS, required=False),
        Column("refunded_at", Kind.TIME, required=False),
        Column("currency", required=False),
        Column("updated_at", Kind.TIME, required=False),
        Column("user_name", required=False),
        Column("user_email", required=False),
        *ALL_OPTIONAL,
    ),
    requires_one_of=("total_cents", "total"),
    refund_column="refund_cents",
    personal_columns=("user_name", "user_email"),
    line={
        "order_id": "order_id",
        "user_id": "user_id",
        "created_at": "created_at",
        "total_cents": "coalesce(total_cents, total)",
        "status": "status",
        "product_id": "product_id",
        "product_name": "product_name",
        "quantity": "quantity",
        "amount_cents": "coalesce(amount_cents, amount)",
        "refund_id": "CASE WHEN refund_cents <> 0 THEN 'refund:' || order_id END",
        "refund_cents": "nullif(refund_cents, 0)",
        "refunded_at": "refunded_at",
        "user_name": "user_name",
        "user_email": "user_email",
        "currency": "currency",
        "updated_at": "updated_at",
        "left_out": "CASE WHEN total_cents <> total THEN 'contradicting_total' END",
        **OPTIONAL_LINE,
    },
)
