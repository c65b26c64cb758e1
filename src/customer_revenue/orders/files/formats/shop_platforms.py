"""BigCommerce's and Magento's exports of orders."""

from __future__ import annotations

from customer_revenue.orders.files.formats.format import Column, Format, Kind, words_of
from customer_revenue.orders.files.formats.optional_columns import optional_column

_IS_REFUNDED = "lower(status) IN ('refunded', 'closed')"

_COUPON = "coalesce(nullif(trim(regexp_extract(discount_code, '(?i)code:([^,;|]+)', 1)), ''), discount_code)"

BIGCOMMERCE = Format(
    name="bigcommerce",
    refund_column="refunded",
    id_column="order_id",
    title="BigCommerce order export: Order ID,Order Status,Order Date,Order Total (inc tax),Customer ID|Customer Email",
    columns=(
        Column("order_id", Kind.ID),
        Column("status", other_names=("Order Status",)),
        Column("order_date", Kind.TIME, time_of_day="order_time"),
        Column("order_time", required=False),
        # Includes tax and shipping, after discounts.
        Column("total", Kind.MONEY, other_names=("Order Total (inc tax)",)),
        Column("refunded", Kind.MONEY, required=False, other_names=("Refunded Amount", "Refund Amount")),
        Column("currency", required=False, other_names=("Order Currency Code", "Transactional Currency Code")),
        Column("customer", Kind.CUSTOMER, required=False, other_names=("Customer ID",)),
        Column("email", Kind.CUSTOMER, required=False, other_names=("Customer Email", "Billing Email")),
        Column("customer_name", required=False),
        optional_column("channel", "Channel Name", "Order Source"),
        optional_column("country", "Shipping Country", "Ship Country"),
        Column("billing_country", required=False, is_optional=True),
        optional_column("discount_code", "Coupon Code", "Coupon Details"),
        optional_column("discount", "Coupon Value", "Coupon Discount", "Discount Amount"),
    ),
    requires_one_of=("customer", "email"),
    personal_columns=("email", "customer_name"),
    line={
        "order_id": "order_id",
        # Guests have the customer id 0.
        "user_id": "coalesce(nullif(customer, '0'), email)",
        "created_at": "order_date",
        "total_cents": "total",
        "status": "lower(status)",
        "refund_id": f"CASE WHEN NOT {_IS_REFUNDED} AND refunded > 0 THEN 'refund:' || order_id END",
        "refund_cents": f"CASE WHEN NOT {_IS_REFUNDED} THEN nullif(refunded, 0) END",
        "user_name": "customer_name",
        "user_email": "email",
        "currency": "currency",
        "channel": "channel",
        "country": "coalesce(country, billing_country)",
        "discount_code": _COUPON,
        "discount_cents": "abs(discount)",
    },
    statuses=words_of(
        paid=(
            "awaiting fulfillment",
            "awaiting shipment",
            "awaiting pickup",
            "completed",
            "shipped",
            "partially shipped",
            "partially refunded",
        ),
        pending=("awaiting payment", "manual verification required", "verification required"),
        failed=("incomplete", "declined"),
    ),
    moves_customers=True,
)

MAGENTO = Format(
    name="magento",
    refund_column="refunded",
    id_column="id",
    title="Magento order grid: ID,Purchase Date,Bill-to Name,Grand Total (Base),Status,Customer Email,Total Refunded",
    columns=(
        Column("id", Kind.ID),
        Column("purchase_date", Kind.TIME),
        Column("bill_to_name", required=False, other_names=("Bill-to Name",)),
        # Includes tax and shipping, after discounts, in the shop's base currency.
        Column("total", Kind.MONEY, other_names=("Grand Total (Base)",)),
        Column("status"),
        Column("email", Kind.CUSTOMER, other_names=("Customer Email",)),
        Column("refunded", Kind.MONEY, required=False, other_names=("Total Refunded",)),
        optional_column("channel", "Purchase Point"),
        optional_column("discount_code", "Coupon Code"),
        optional_column("discount", "Discount Amount"),
    ),
    personal_columns=("email", "bill_to_name"),
    line={
        "order_id": "id",
        "user_id": "email",
        "created_at": "purchase_date",
        "total_cents": "total",
        "status": "lower(status)",
        "refund_id": f"CASE WHEN NOT {_IS_REFUNDED} AND refunded > 0 THEN 'refund:' || id END",
        "refund_cents": f"CASE WHEN NOT {_IS_REFUNDED} THEN nullif(refunded, 0) END",
        "user_name": "bill_to_name",
        "user_email": "email",
        "channel": "channel",
        "discount_code": "discount_code",
        "discount_cents": "abs(discount)",
    },
    statuses=words_of(
        paid=("complete", "processing"),
        refunded=("closed",),
        pending=("pending_payment", "pending payment", "payment_review", "payment review", "holded", "on hold"),
        failed=("fraud", "suspected fraud"),
    ),
    moves_customers=True,
)
