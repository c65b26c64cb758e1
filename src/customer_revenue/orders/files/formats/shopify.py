"""Shopify's export of orders."""

from __future__ import annotations

from customer_revenue.orders.files.formats.amounts import in_cents, line_amount
from customer_revenue.orders.files.formats.format import Column, Format, Kind
from customer_revenue.orders.files.formats.optional_columns import optional_column


def _of_order(column: str) -> str:
    """Return SQL for an order's value of a column, which Shopify fills in on the order's first line only."""
    whole = "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"
    return f"first_value({column} IGNORE NULLS) OVER (PARTITION BY order_name, first_line ORDER BY line {whole})"


_SHOPIFY_STATUS = _of_order("lower(financial_status)")
_SHOPIFY_ID = f"coalesce({_of_order('id')}, order_name)"
_CAMPAIGN = r"nullif(trim(regexp_extract(note_attributes, 'utm_campaign\s*[:=]\s*([^\n\r;,]+)', 1)), '')"

SHOPIFY = Format(
    name="shopify",
    title="Shopify order export: Name,Email,Financial Status,Total,Created at,Lineitem quantity,Lineitem name,…[,Id]",
    columns=(
        Column("order_name", Kind.ID, other_names=("Name",)),
        # A name is unique within a shop only, and a shop can reset its names.
        Column("id", Kind.ID, required=False),
        Column("email", Kind.CUSTOMER),
        Column("financial_status"),
        # Includes tax and shipping, as the customer paid it.
        Column("total", Kind.MONEY),
        Column("created_at", Kind.TIME),
        Column("cancelled_at", required=False),
        Column("currency", required=False),
        Column("quantity", Kind.INTEGER, other_names=("Lineitem quantity",)),
        Column("product_name", other_names=("Lineitem name",)),
        Column("unit_price", Kind.DECIMAL, other_names=("Lineitem price",)),
        Column("sku", required=False, other_names=("Lineitem sku",)),
        Column("line_discount", Kind.MONEY, required=False, other_names=("Lineitem discount",)),
        Column("refunded_amount", Kind.MONEY, required=False),
        Column("billing_name", required=False),
        optional_column("channel", "Source"),
        optional_column("country", "Shipping Country"),
        Column("billing_country", required=False, is_optional=True),
        optional_column("discount_code"),
        optional_column("discount", "Discount Amount"),
        Column("note_attributes", required=False, is_optional=True),
        optional_column("accepts_marketing"),
    ),
    refund_column="refunded_amount",
    personal_columns=("email", "billing_name"),
    # Counts the first lines of orders of that name, since a name can come again.
    prepared={"first_line": "count(financial_status) OVER (PARTITION BY order_name ORDER BY line)"},
    line={
        "order_id": _SHOPIFY_ID,
        "former_id": f"nullif(order_name, {_SHOPIFY_ID})",
        "user_id": _of_order("email"),
        "created_at": _of_order("created_at"),
        "total_cents": _of_order("total"),
        "status": f"CASE WHEN {_of_order('cancelled_at')} IS NOT NULL THEN 'cancelled' ELSE {_SHOPIFY_STATUS} END",
        "product_id": "coalesce(sku, product_name)",
        "product_name": "product_name",
        "quantity": "quantity",
        "amount_cents": f"{in_cents(line_amount('quantity', 'unit_price'))} - coalesce(line_discount, 0)",
        # The export has no refund date: a partial refund counts on its order's day, as a full refund does.
        "refund_id": f"CASE WHEN {_SHOPIFY_STATUS} <> 'refunded' AND {_of_order('refunded_amount')} > 0"
        f" THEN 'refund:' || {_SHOPIFY_ID} END",
        "refund_cents": f"CASE WHEN {_SHOPIFY_STATUS} <> 'refunded' THEN nullif({_of_order('refunded_amount')}, 0) END",
        "user_name": _of_order("billing_name"),
        "user_email": _of_order("email"),
        "currency": _of_order("currency"),
        "channel": "channel",
        "country": "coalesce(country, billing_country)",
        "discount_code": "discount_code",
        "discount_cents": "discount",
        "campaign": _CAMPAIGN,
        "accepts_marketing": "accepts_marketing",
    },
    line_currency="max(scan.currency) OVER (PARTITION BY scan.order_name)",
    statuses={"partially_refunded": "paid"},
    moves_customers=True,
)
