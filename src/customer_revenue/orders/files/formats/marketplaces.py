"""Marketplaces: Amazon's reports of orders and Etsy's export of sold orders."""

from __future__ import annotations

from customer_revenue.orders.files.formats.format import Column, Format, Kind, words_of
from customer_revenue.orders.files.formats.optional_columns import optional_column

_AMAZON_TOTAL = (
    "item_price + coalesce(item_tax, 0) + coalesce(shipping_price, 0) + coalesce(shipping_tax, 0)"
    " + coalesce(gift_wrap_price, 0) - abs(coalesce(item_discount, 0)) - abs(coalesce(shipping_discount, 0))"
)

AMAZON = Format(
    name="amazon",
    id_column="order_id",
    title="Amazon order report: amazon-order-id|order-id,purchase-date,sku,quantity-purchased|quantity,item-price,…",
    columns=(
        Column("order_id", Kind.ID, other_names=("amazon-order-id", "order-id")),
        Column("purchased_at", Kind.TIME, other_names=("purchase-date",), is_utc=True),
        Column("order_status", required=False, other_names=("order-status",)),
        Column("buyer_email", Kind.CUSTOMER, required=False, other_names=("buyer-email",)),
        Column("buyer_name", required=False, other_names=("buyer-name",)),
        Column("sku"),
        Column("product_name", required=False, other_names=("product-name",)),
        Column("quantity", Kind.INTEGER, other_names=("quantity-purchased",)),
        Column("currency", required=False),
        # Includes tax, shipping and gift wrap, after discounts.
        Column("item_price", Kind.MONEY, other_names=("item-price",)),
        Column("item_tax", Kind.MONEY, required=False, other_names=("item-tax",)),
        Column("shipping_price", Kind.MONEY, required=False, other_names=("shipping-price",)),
        Column("shipping_tax", Kind.MONEY, required=False, other_names=("shipping-tax",)),
        Column("gift_wrap_price", Kind.MONEY, required=False, other_names=("gift-wrap-price",)),
        Column("item_discount", Kind.MONEY, required=False, other_names=("item-promotion-discount",)),
        Column("shipping_discount", Kind.MONEY, required=False, other_names=("ship-promotion-discount",)),
        optional_column("channel", "sales-channel"),
        optional_column("country", "ship-country"),
        optional_column("discount_code", "promotion-ids"),
    ),
    personal_columns=("buyer_email", "buyer_name"),
    line={
        "order_id": "order_id",
        "user_id": "buyer_email",
        "created_at": "purchased_at",
        "status": "lower(coalesce(order_status, 'shipped'))",
        "product_id": "sku",
        "product_name": "product_name",
        "quantity": "quantity",
        "amount_cents": f"CASE WHEN item_price > 0 THEN {_AMAZON_TOTAL} END",
        "user_name": "buyer_name",
        "user_email": "buyer_email",
        "currency": "currency",
        "channel": "channel",
        "country": "country",
        "discount_code": "discount_code",
        "discount_cents": "abs(item_discount) + abs(coalesce(shipping_discount, 0))",
    },
    statuses=words_of(
        paid=(
            "shipped",
            "complete",
            "unshipped",
            "partiallyshipped",
            "shipping",
            "shipped - delivered to buyer",
            "shipped - picked up",
        ),
        refunded=("shipped - returned to seller", "shipped - returning to seller"),
    ),
    total_is_summed=True,
    requires_amount=True,
)

ETSY = Format(
    name="etsy",
    refund_column="adjusted_order_total",
    id_column="order_id",
    title="Etsy sold orders: Sale Date,Order ID,Buyer User ID,Currency,Order Value,Order Total,Status",
    columns=(
        Column("sale_date", Kind.TIME),
        Column("order_id", Kind.ID),
        Column("buyer_user_id", Kind.CUSTOMER, required=False),
        Column("buyer", Kind.CUSTOMER, required=False),
        Column("full_name", required=False),
        Column("currency"),
        # Includes shipping and sales tax, after discounts.
        Column("order_total", Kind.MONEY),
        Column("adjusted_order_total", Kind.MONEY, required=False),
        Column("order_value", Kind.MONEY),
        Column("status", required=False),
        optional_column("channel", "Order Type"),
        optional_column("country", "Ship Country"),
        optional_column("discount_code", "Coupon Code"),
        optional_column("discount", "Discount Amount"),
        Column("shipping_discount", Kind.MONEY, required=False, is_optional=True),
    ),
    requires_one_of=("buyer_user_id", "buyer"),
    personal_columns=("full_name", "buyer"),
    line={
        "order_id": "order_id",
        "user_id": "coalesce(buyer_user_id, buyer)",
        "created_at": "sale_date",
        "total_cents": "order_total",
        "status": "lower(coalesce(status, 'completed'))",
        "refund_id": "CASE WHEN adjusted_order_total < order_total THEN 'refund:' || order_id END",
        "refund_cents": "CASE WHEN adjusted_order_total < order_total THEN order_total - adjusted_order_total END",
        "user_name": "full_name",
        "currency": "currency",
        "channel": "channel",
        "country": "country",
        "discount_code": "discount_code",
        "discount_cents": "abs(discount) + abs(coalesce(shipping_discount, 0))",
    },
    statuses=words_of(
        paid=("completed", "complete", "shipped", "not shipped", "pre-transit", "in transit", "delivered")
    ),
)
