"""A file of refunds, in addition to the files of orders."""

from __future__ import annotations

from customer_revenue.orders.files.formats.format import Column, Format, Kind

REFUNDS = Format(
    name="refunds",
    id_column="refund_id",
    title="refund_id,user_id,created_at,amount_cents|amount[,order_id][,currency]",
    columns=(
        Column("refund_id", Kind.ID),
        Column("user_id", Kind.CUSTOMER, other_names=("customer_id",)),
        Column("created_at", Kind.TIME, other_names=("refunded_at",)),
        Column("amount_cents", Kind.CENTS, required=False),
        Column("amount", Kind.MONEY, required=False),
        Column("order_id", Kind.ID, required=False),
        Column("currency", required=False),
    ),
    requires_one_of=("amount_cents", "amount"),
    line={
        "role": "'refund'",
        "refund_id": "refund_id",
        "order_id": "order_id",
        "user_id": "user_id",
        "created_at": "created_at",
        "refund_cents": "coalesce(amount_cents, amount)",
        "currency": "currency",
    },
)
