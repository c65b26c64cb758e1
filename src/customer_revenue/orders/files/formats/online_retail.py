"""UCI Online Retail: lines of invoices. Cancellations are refunds."""

from __future__ import annotations

from customer_revenue.orders.files.formats.amounts import in_cents, line_amount
from customer_revenue.orders.files.formats.format import Column, Format, Kind
from customer_revenue.orders.files.formats.optional_columns import optional_column

_INVOICE_IS_REFUND = "upper(invoice) LIKE 'C%'"
_AMOUNT = line_amount("quantity", "unit_price")
_CENTS = in_cents(_AMOUNT)

ONLINE_RETAIL = Format(
    name="online_retail",
    id_column="invoice",
    title="InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID (UCI Online Retail)",
    columns=(
        Column("invoice", Kind.ID, other_names=("InvoiceNo",)),
        Column("stock_code"),
        Column("description", required=False),
        Column("quantity", Kind.INTEGER),
        Column("invoice_date", Kind.TIME),
        Column("unit_price", Kind.DECIMAL, other_names=("Price",)),
        Column("customer_id", Kind.CUSTOMER),
        optional_column("country"),
    ),
    line={
        "role": f"CASE WHEN {_INVOICE_IS_REFUND} THEN 'refund' ELSE 'order' END",
        "order_id": f"CASE WHEN NOT {_INVOICE_IS_REFUND} THEN invoice END",
        "refund_id": f"CASE WHEN {_INVOICE_IS_REFUND} THEN invoice END",
        "user_id": "customer_id",
        "created_at": "invoice_date",
        "status": "'paid'",
        "product_id": "stock_code",
        "product_name": "description",
        "quantity": "quantity",
        "amount_cents": f"CASE WHEN {_AMOUNT} > 0 THEN {_CENTS} END",
        "refund_cents": f"CASE WHEN {_INVOICE_IS_REFUND} THEN -{_CENTS} END",
        "country": "country",
    },
    total_is_summed=True,
    requires_amount=True,
    currency="GBP",
    is_sample=True,
)
