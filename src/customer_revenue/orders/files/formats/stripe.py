"""Stripe's export of payments."""

from __future__ import annotations

from customer_revenue.orders.files.formats.format import Column, Format, Kind

_STRIPE_STATUS = (
    "CASE WHEN lower(captured) = 'false' AND lower(status) IN ('paid', 'succeeded') THEN 'authorized'"
    " WHEN lower(status) IN ('succeeded', 'partially refunded', 'partially_refunded') THEN 'paid'"
    " ELSE lower(status) END"
)

STRIPE = Format(
    name="stripe",
    title="Stripe payments export: id,Created (UTC),Amount,Amount Refunded,Currency,Status,Customer ID|Customer Email",
    columns=(
        Column("id"),
        Column("created", Kind.TIME, other_names=("Created (UTC)", "Created date (UTC)"), is_utc=True),
        Column("amount", Kind.MONEY),
        Column("amount_refunded", Kind.MONEY),
        Column("refunded", Kind.TIME, required=False, other_names=("Refunded date (UTC)",), is_utc=True),
        Column("currency"),
        Column("status"),
        Column("captured", required=False),
        Column("customer_id", required=False),
        Column("customer_email", required=False),
        Column("description", required=False),
    ),
    requires_one_of=("customer_id", "customer_email"),
    refund_column="amount_refunded",
    personal_columns=("customer_email",),
    line={
        "role": "'order'",
        "order_id": "id",
        "user_id": "coalesce(customer_id, lower(customer_email))",
        "created_at": "created",
        "total_cents": "amount",
        "status": _STRIPE_STATUS,
        "refund_id": f"CASE WHEN {_STRIPE_STATUS} <> 'refunded' AND amount_refunded > 0 THEN 'refund:' || id END",
        "refund_cents": f"CASE WHEN {_STRIPE_STATUS} <> 'refunded' THEN nullif(amount_refunded, 0) END",
        "refunded_at": "refunded",
        "user_email": "customer_email",
        "currency": "currency",
    },
)
