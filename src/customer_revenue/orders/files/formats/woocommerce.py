"""WooCommerce: the usual export plugins, and the shop's own analytics."""

from __future__ import annotations

from customer_revenue.orders.files.formats.format import Column, Format, Kind, words_of
from customer_revenue.orders.files.formats.optional_columns import optional_column

_WOO_STATUSES = words_of(
    paid=("completed", "processing"),
    pending=("on-hold", "on hold", "pending payment"),
    draft=("checkout-draft",),
    canceled=("trash",),
)
_WOO_STATUS = "regexp_replace(lower(status), '^wc-', '')"
_PLUGIN_AMOUNTS = r"regexp_extract_all(refunds, 'amount:-?([0-9]+(\.[0-9]+)?)', 1)"
_PLUGIN_REFUNDS = (
    "coalesce(abs(refunded), CAST(round(minor_units * list_sum(list_transform("
    f"{_PLUGIN_AMOUNTS}, lambda part: CAST(part AS DECIMAL(18, 4))))) AS BIGINT))"
)
_COUPON = "coalesce(nullif(trim(regexp_extract(discount_code, 'code:([^|;]+)', 1)), ''), discount_code)"
_IS_MEMBER = "coalesce(customer, '0') <> '0'"

WOOCOMMERCE = Format(
    name="woocommerce",
    refund_column="refunds",
    id_column="order_id",
    title="WooCommerce export plugins: order_id,order_date,status,order_total,billing_email[,customer_id][,refunds]",
    columns=(
        Column("order_id", Kind.ID, other_names=("Order ID", "Order Number", "order_number_formatted")),
        Column("order_date", Kind.TIME, other_names=("date", "date_created")),
        Column("status", other_names=("Order Status",)),
        # Includes tax and shipping, after discounts.
        Column("order_total", Kind.MONEY, other_names=("Order Total Amount", "Order Total", "total")),
        Column("currency", required=False, other_names=("order_currency",)),
        Column(
            "customer", Kind.CUSTOMER, required=False, other_names=("customer_id", "customer_user", "Customer User ID")
        ),
        Column("billing_email", Kind.CUSTOMER, other_names=("Email (Billing)", "Billing Email")),
        Column(
            "refunded",
            Kind.MONEY,
            required=False,
            other_names=("refunded_total", "Order Refund Amount", "total_refunded"),
        ),
        Column("refunds", required=False),
        optional_column("channel", "created_via", "meta:_wc_order_attribution_source_type", "Origin"),
        optional_column("country", "shipping_country", "Country Code (Shipping)", "Shipping Country"),
        Column(
            "billing_country",
            required=False,
            other_names=("Country Code (Billing)", "Country (Billing)"),
            is_optional=True,
        ),
        optional_column("discount_code", "coupon_items", "coupons", "Coupon Code"),
        optional_column("discount", "discount_total", "cart_discount", "Cart Discount Amount", "Discount Amount"),
        optional_column("campaign", "meta:_wc_order_attribution_utm_campaign", "utm_campaign"),
    ),
    personal_columns=("billing_email",),
    line={
        "order_id": "order_id",
        # Guests have the customer id 0, and a billing address.
        "user_id": f"CASE WHEN {_IS_MEMBER} THEN customer ELSE billing_email END",
        "created_at": "order_date",
        "total_cents": "order_total",
        "status": _WOO_STATUS,
        "refund_id": f"CASE WHEN {_WOO_STATUS} <> 'refunded' AND {_PLUGIN_REFUNDS} > 0 THEN 'refund:' || order_id END",
        "refund_cents": f"CASE WHEN {_WOO_STATUS} <> 'refunded' THEN nullif({_PLUGIN_REFUNDS}, 0) END",
        "user_email": "billing_email",
        "currency": "currency",
        "channel": "channel",
        "country": "coalesce(country, billing_country)",
        "discount_code": _COUPON,
        "discount_cents": "abs(discount)",
        "campaign": "campaign",
    },
    statuses=_WOO_STATUSES,
    moves_customers=True,
)

WOOCOMMERCE_ANALYTICS = Format(
    name="woocommerce_analytics",
    id_column="order_number",
    title="WooCommerce analytics of orders: Date,Order #,Net Sales,Status,Customer,Items sold",
    columns=(
        Column("date", Kind.TIME),
        Column("order_number", Kind.ID, other_names=("Order #",)),
        # Without tax and shipping, and after refunds.
        Column("net_sales", Kind.MONEY, other_names=("N. Revenue", "Net Revenue")),
        Column("status"),
        # The report has no id: customers of one name are one.
        Column("customer", Kind.CUSTOMER),
        Column("items_sold", required=False),
        Column("customer_type", required=False),
        optional_column("channel", "Origin", "Attribution"),
        optional_column("discount_code", "Coupon(s)", "Coupons"),
    ),
    personal_columns=("customer",),
    line={
        "order_id": "order_number",
        "user_id": "lower(customer)",
        "created_at": "date",
        "total_cents": "net_sales",
        "status": _WOO_STATUS,
        "user_name": "customer",
        "channel": "channel",
        "discount_code": "discount_code",
    },
    statuses=_WOO_STATUSES,
)
