"""PayPal's activity report. Payments in are orders, refunds and reversals of them are refunds."""

from __future__ import annotations

from customer_revenue.orders.files.formats.format import Column, Format, Kind, words_of
from customer_revenue.orders.files.formats.optional_columns import optional_column

_TYPE = "lower(type)"
_IS_SALE = (
    f"gross > 0 AND regexp_matches({_TYPE}, 'payment|purchase|checkout|subscription|invoice')"
    f" AND NOT regexp_matches({_TYPE}, 'refund|reversal|hold|authorization|conversion|withdraw|order')"
)
_IS_REFUND = f"gross < 0 AND regexp_matches({_TYPE}, 'refund|payment reversal|chargeback|dispute')"
_IS_DONE = (
    "lower(status) IN ('completed', 'refunded', 'partially refunded', 'partially_refunded', 'reversed', 'cleared')"
)

PAYPAL = Format(
    name="paypal",
    id_column="transaction_id",
    title="PayPal activity report: Date,Time,TimeZone,Type,Status,Currency,Gross,From Email Address,Transaction ID",
    columns=(
        Column("date", Kind.TIME, time_of_day="time", zone="timezone"),
        Column("time", required=False),
        Column("timezone", required=False, other_names=("Time Zone",)),
        Column("payer_name", required=False, other_names=("Name",)),
        Column("type"),
        Column("status"),
        Column("currency"),
        # As the customer paid it, before PayPal's fee.
        Column("gross", Kind.MONEY),
        Column("from_email", Kind.CUSTOMER, other_names=("From Email Address",)),
        Column("to_email", Kind.CUSTOMER, required=False, other_names=("To Email Address",)),
        Column("transaction_id", Kind.ID),
        Column("reference_id", Kind.ID, required=False, other_names=("Reference Txn ID",)),
        Column("item_title", required=False),
        optional_column("country", "Country Code", "Country"),
    ),
    personal_columns=("payer_name", "from_email", "to_email"),
    line={
        "role": f"CASE WHEN {_IS_REFUND} THEN 'refund' ELSE 'order' END",
        "order_id": f"CASE WHEN {_IS_REFUND} THEN reference_id ELSE transaction_id END",
        "refund_id": f"CASE WHEN {_IS_REFUND} THEN transaction_id END",
        "user_id": f"CASE WHEN {_IS_REFUND} THEN to_email ELSE from_email END",
        "created_at": "date",
        "total_cents": f"CASE WHEN {_IS_SALE} THEN gross END",
        # A refund is a line of its own, so that a refunded payment counts as paid.
        "status": f"CASE WHEN {_IS_DONE} THEN 'paid' ELSE lower(status) END",
        "product_name": f"CASE WHEN {_IS_SALE} THEN item_title END",
        "refund_cents": f"CASE WHEN {_IS_REFUND} THEN -gross END",
        "user_name": f"CASE WHEN {_IS_SALE} THEN payer_name END",
        "user_email": f"CASE WHEN {_IS_SALE} THEN from_email END",
        "currency": "currency",
        "country": "country",
        "left_out": f"CASE WHEN NOT coalesce({_IS_SALE}, false) AND NOT coalesce({_IS_REFUND} AND {_IS_DONE}, false)"
        " THEN 'not_a_sale' END",
    },
    statuses=words_of(failed=("denied", "returned", "removed"), pending=("held", "placed", "unclaimed", "active")),
)
