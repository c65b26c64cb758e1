"""Stripe: the dashboard's export of payments, charges as warehouses have them, and the export of disputes."""

from __future__ import annotations

from customer_revenue.orders.files.formats.format import Column, Format, Kind, words_of
from customer_revenue.orders.files.formats.optional_columns import optional_column

_HAS_CAPTURE = "coalesce(lower(captured) NOT IN ('false', 'f', '0', 'no'), true)"
_LOST = "lower(dispute_status) IN ('lost', 'charge_refunded')"
_GONE = f"least(coalesce(amount_refunded, 0) + CASE WHEN {_LOST} THEN coalesce(disputed_amount, 0) ELSE 0 END, amount)"

STRIPE_STATUSES = words_of(
    paid=("succeeded", "partially refunded", "partially_refunded"),
    authorized=("requires capture", "requires_capture", "uncaptured"),
    failed=("requires payment method", "requires_payment_method", "incomplete", "blocked"),
)

STRIPE = Format(
    name="stripe",
    id_column="id",
    title="Stripe payments export: id,Created (UTC),Amount,Amount Refunded,Currency,Status,Customer ID|Customer Email",
    columns=(
        Column("id", Kind.ID),
        Column("created_utc", Kind.TIME, other_names=("Created (UTC)", "Created date (UTC)"), is_utc=True),
        Column("amount", Kind.MONEY),
        Column("amount_refunded", Kind.MONEY),
        Column("refunded_utc", Kind.TIME, required=False, other_names=("Refunded date (UTC)",), is_utc=True),
        Column("currency"),
        Column("status"),
        Column("captured", required=False),
        Column("mode", required=False),
        Column("disputed_amount", Kind.MONEY, required=False),
        Column("disputed_utc", Kind.TIME, required=False, other_names=("Dispute Date (UTC)",), is_utc=True),
        Column("dispute_status", required=False),
        Column("customer_id", Kind.CUSTOMER, required=False),
        Column("customer_email", Kind.CUSTOMER, required=False),
        Column("description", required=False),
        optional_column("channel", "channel (metadata)"),
        optional_column("country", "Shipping Address Country", "Customer Address Country", "Card Address Country"),
        optional_column("campaign", "utm_campaign (metadata)", "campaign (metadata)"),
    ),
    requires_one_of=("customer_id", "customer_email"),
    refund_column="amount_refunded",
    personal_columns=("customer_email",),
    line={
        "order_id": "id",
        "user_id": "coalesce(customer_id, customer_email)",
        "created_at": "created_utc",
        "total_cents": "amount",
        "status": f"CASE WHEN {_HAS_CAPTURE} OR lower(status) = 'failed' THEN lower(status) ELSE 'authorized' END",
        "refund_id": f"CASE WHEN lower(status) <> 'refunded' AND {_GONE} > 0 THEN 'refund:' || id END",
        "refund_cents": f"CASE WHEN lower(status) <> 'refunded' THEN"
        f" nullif(CASE WHEN amount_refunded > amount THEN amount_refunded ELSE {_GONE} END, 0) END",
        "refunded_at": f"coalesce(refunded_utc, CASE WHEN {_LOST} THEN disputed_utc END)",
        "user_email": "customer_email",
        "currency": "currency",
        "left_out": "CASE WHEN lower(mode) = 'test' THEN 'test_mode' END",
        "channel": "channel",
        "country": "country",
        "campaign": "campaign",
    },
    statuses=STRIPE_STATUSES,
)

_CHARGE_CUSTOMER = "coalesce(customer, billing_email, receipt_email)"
_CAPTURED_AMOUNT = "coalesce(nullif(amount_captured, 0), amount)"

STRIPE_CHARGES = Format(
    name="stripe_charges",
    refund_column="amount_refunded",
    id_column="id",
    title="Stripe charges of a warehouse or the API: id,created,amount,amount_refunded,currency,status,"
    "customer|customer_id",
    columns=(
        Column("id", Kind.ID),
        Column("created", Kind.TIME, is_utc=True),
        Column("amount", Kind.MONEY),
        Column("amount_captured", Kind.MONEY, required=False),
        Column("amount_refunded", Kind.MONEY),
        Column("currency"),
        Column("status"),
        Column("captured", required=False),
        Column("livemode", required=False),
        Column("customer", Kind.CUSTOMER, required=False, other_names=("customer_id",)),
        Column(
            "billing_email",
            Kind.CUSTOMER,
            required=False,
            other_names=("billing_details_email", "billing_details.email", "customer_email"),
        ),
        Column("receipt_email", Kind.CUSTOMER, required=False),
        optional_column("channel", "metadata_channel", "metadata.channel"),
        optional_column(
            "country",
            "shipping_address_country",
            "shipping.address.country",
            "billing_details_address_country",
            "billing_details.address.country",
        ),
        optional_column("campaign", "metadata_utm_campaign", "metadata.utm_campaign", "metadata_campaign"),
    ),
    requires_one_of=("customer", "billing_email", "receipt_email"),
    personal_columns=("billing_email", "receipt_email"),
    line={
        "order_id": "id",
        "user_id": _CHARGE_CUSTOMER,
        "created_at": "created",
        "total_cents": _CAPTURED_AMOUNT,
        "status": f"CASE WHEN NOT {_HAS_CAPTURE} AND lower(status) <> 'failed' THEN 'authorized'"
        " ELSE lower(status) END",
        "refund_id": "CASE WHEN amount_refunded > 0 THEN 'refund:' || id END",
        "refund_cents": f"nullif(amount_refunded - CASE WHEN amount > {_CAPTURED_AMOUNT}"
        f" THEN least(amount_refunded, amount - {_CAPTURED_AMOUNT}) ELSE 0 END, 0)",
        "user_email": "coalesce(billing_email, receipt_email)",
        "currency": "currency",
        "left_out": "CASE WHEN lower(livemode) IN ('false', 'f', '0') THEN 'test_mode' END",
        "channel": "channel",
        "country": "country",
        "campaign": "campaign",
    },
    statuses=STRIPE_STATUSES,
    has_minor_units=True,
)

STRIPE_DISPUTES = Format(
    name="stripe_disputes",
    title="Stripe disputes export: Dispute ID,Charge ID,Dispute Created (UTC),Dispute Amount,Dispute Currency,Status",
    columns=(
        Column("dispute_id", Kind.ID, other_names=("id",)),
        Column("charge_id", Kind.ID, other_names=("charge",)),
        Column(
            "disputed_at", Kind.TIME, other_names=("Dispute Created (UTC)", "Disputed on (UTC)", "created"), is_utc=True
        ),
        Column("amount", Kind.MONEY, other_names=("Dispute Amount", "Disputed Amount")),
        Column("currency", required=False, other_names=("Dispute Currency",)),
        Column("status", other_names=("Dispute Status",)),
    ),
    line={
        "role": "'refund'",
        "refund_id": "'dispute:' || dispute_id",
        "order_id": "charge_id",
        "created_at": "disputed_at",
        "refund_cents": "amount",
        "currency": "currency",
        "left_out": "CASE WHEN lower(status) <> 'lost' THEN 'not_a_sale' END",
    },
    has_minor_units=True,
)
