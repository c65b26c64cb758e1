"""Each known format: its columns, and what a line of it says. SQL here is over columns already parsed by kind."""

from __future__ import annotations

from customer_revenue.orders.files.formats.format import Column, Format, Kind
from customer_revenue.orders.files.formats.shopify import SHOPIFY, STRIPE
from customer_revenue.orders.files.parsing import in_cents, line_amount

GENERIC = Format(
    name="generic",
    title="order_id,user_id,created_at,total_cents|total,status[,product_id,product_name,quantity,amount_cents]"
    "[,refund_cents][,refunded_at][,currency][,user_name,user_email]; several lines of one order are its items",
    columns=(
        Column("order_id"),
        Column("user_id", other_names=("customer_id",)),
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
        Column("user_name", required=False),
        Column("user_email", required=False),
    ),
    needs_one_of=("total_cents", "total"),
    people=("user_name", "user_email"),
    line={
        "role": "'order'",
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
    },
)

REFUNDS = Format(
    name="refunds",
    title="refund_id,user_id,created_at,amount_cents|amount[,order_id][,currency]",
    columns=(
        Column("refund_id"),
        Column("user_id", other_names=("customer_id",)),
        Column("created_at", Kind.TIME, other_names=("refunded_at",)),
        Column("amount_cents", Kind.CENTS, required=False),
        Column("amount", Kind.MONEY, required=False),
        Column("order_id", required=False),
        Column("currency", required=False),
    ),
    needs_one_of=("amount_cents", "amount"),
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

CDNOW = Format(
    name="cdnow",
    title="customer_id date number_of_cds dollar_value, separated by spaces (CDNOW master file)",
    columns=(
        Column("customer_id"),
        Column("date", Kind.TIME, time_patterns=("%Y%m%d",)),
        Column("number_of_cds", Kind.INTEGER),
        Column("dollar_value", Kind.MONEY),
    ),
    # The file numbers no orders: they are numbered within a customer's day, in the order of the file.
    line={
        "role": "'order'",
        "order_id": "customer_id || '-' || strftime(date, '%Y%m%d') || '-'"
        " || row_number() OVER (PARTITION BY customer_id, date ORDER BY line)",
        "user_id": "customer_id",
        "created_at": "date",
        "total_cents": "dollar_value",
        "status": "'paid'",
        "product_id": "'cd'",
        "product_name": "'CD'",
        "quantity": "number_of_cds",
        "amount_cents": "dollar_value",
    },
    currency="USD",
    is_sample=True,
)

_INVOICE_IS_REFUND = "upper(invoice) LIKE 'C%'"
_AMOUNT = line_amount("quantity", "unit_price")
_CENTS = in_cents(_AMOUNT)

ONLINE_RETAIL = Format(
    name="online_retail",
    title="InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID (UCI Online Retail)",
    columns=(
        Column("invoice", other_names=("InvoiceNo",)),
        Column("stock_code"),
        Column("description", required=False),
        Column("quantity", Kind.INTEGER),
        Column("invoice_date", Kind.TIME, time_patterns=("%m/%d/%Y %H:%M",)),
        Column("unit_price", Kind.DECIMAL, other_names=("Price",)),
        Column("customer_id"),
    ),
    line={
        "role": f"CASE WHEN {_INVOICE_IS_REFUND} THEN 'refund' ELSE 'order' END",
        "order_id": f"CASE WHEN NOT {_INVOICE_IS_REFUND} THEN invoice END",
        "refund_id": f"CASE WHEN {_INVOICE_IS_REFUND} THEN invoice END",
        "user_id": r"regexp_replace(customer_id, '\.0$', '')",
        "created_at": "invoice_date",
        "status": "'paid'",
        "product_id": "stock_code",
        "product_name": "description",
        "quantity": "quantity",
        "amount_cents": f"CASE WHEN {_AMOUNT} > 0 THEN {_CENTS} END",
        "refund_cents": f"CASE WHEN {_INVOICE_IS_REFUND} THEN -{_CENTS} END",
    },
    total_is_summed=True,
    amount_decides=True,
    currency="GBP",
    is_sample=True,
)

FORMATS = (ONLINE_RETAIL, CDNOW, SHOPIFY, STRIPE, REFUNDS, GENERIC)
"""The more particular first: the first that a header fits is taken."""
