"""A plain log of purchases: customer and date, usually an amount, sometimes an order id and a status."""

from __future__ import annotations

from customer_revenue.orders.files.formats.format import Column, Format, Kind
from customer_revenue.orders.files.formats.optional_columns import ALL_OPTIONAL, OPTIONAL_LINE
from customer_revenue.tables import OPTIONAL_COLUMNS

_CUSTOMER_NAMES = (
    "customer_id", "customer id", "user", "user_id", "client", "client_id", "cust_id", "buyer", "buyer_id", "email",
    "customer_email", "household_id", "member_id", "customerkey", "customer_number", "customer no",
)  # fmt: skip
_DATE_NAMES = (
    "datetime", "timestamp", "time", "day", "order_date", "ordered_at", "created_at", "created", "purchase_date",
    "purchased_at", "transaction_date", "invoice_date", "sale_date", "order_datetime", "bought_at",
)  # fmt: skip
_AMOUNT_NAMES = (
    "total", "value", "revenue", "sales", "sale", "price", "spend", "monetary", "monetary_value", "order_value",
    "order_total", "total_amount", "amount_paid", "transaction_amount", "order_amount", "purchase_amount",
    "total_price",
)  # fmt: skip

_OF_ITEMS = (*OPTIONAL_COLUMNS["order_items"], "cost")
"""A log has no items."""

_OPTIONAL = (
    Column("amount", Kind.MONEY, required=False, other_names=_AMOUNT_NAMES),
    Column("amount_cents", Kind.CENTS, required=False, other_names=("total_cents",)),
    Column("status", required=False, other_names=("state", "order_status", "financial_status", "payment_status")),
    Column("currency", required=False, other_names=("currency_code",)),
    *(column for column in ALL_OPTIONAL if column.name not in _OF_ITEMS),
)


def _line(customer: str, order_id: str) -> dict[str, str]:
    return {
        "order_id": order_id,
        "user_id": customer,
        "created_at": "date",
        "total_cents": "coalesce(amount_cents, amount, 0)",
        "status": "coalesce(status, 'paid')",
        "currency": "currency",
        **{name: sql for name, sql in OPTIONAL_LINE.items() if name not in _OF_ITEMS},
    }


def _numbered(customer: str) -> str:
    return f"coalesce({customer}, '') || '-' || strftime(date, '%Y%m%d%H%M%S')"


LOG = Format(
    name="log",
    requires_one_of=("amount", "amount_cents"),
    title="customer,date,amount[,status][,currency]: one line per purchase, without order ids",
    columns=(
        Column("customer", Kind.CUSTOMER, other_names=_CUSTOMER_NAMES),
        Column("date", Kind.TIME, other_names=_DATE_NAMES),
        *_OPTIONAL,
    ),
    line=_line("customer", _numbered("customer")),
    numbers_orders=True,
)

LOG_WITH_ORDERS = Format(
    name="log_with_orders",
    requires_one_of=("amount", "amount_cents"),
    title="order_id,customer,date,amount[,status][,currency]: one line per purchase",
    columns=(
        Column(
            "order_id",
            Kind.ID,
            other_names=("id", "order", "order_number", "invoice", "invoice_no", "transaction_id", "purchase_id"),
        ),
        Column("customer", Kind.CUSTOMER, other_names=_CUSTOMER_NAMES),
        Column("date", Kind.TIME, other_names=_DATE_NAMES),
        *_OPTIONAL,
    ),
    line=_line("customer", "order_id"),
)

LOG_BY_ID = Format(
    name="log_by_id",
    requires_one_of=("amount", "amount_cents"),
    title="id,date,amount: one line per purchase of the customer with that id",
    columns=(
        Column("id", Kind.CUSTOMER),
        Column("date", Kind.TIME, other_names=_DATE_NAMES),
        *_OPTIONAL,
    ),
    line=_line("id", _numbered("id")),
    numbers_orders=True,
)

LOG_OF_DATES = Format(
    name="log_of_dates",
    title="customer,date and nothing else: one line per purchase, each of amount 0",
    columns=(
        Column("customer", Kind.CUSTOMER, other_names=(*_CUSTOMER_NAMES, "id")),
        Column("date", Kind.TIME, other_names=_DATE_NAMES),
    ),
    # With any other column, which may be an amount, a file is not one of this format.
    allows_other_columns=False,
    line={
        "order_id": _numbered("customer"),
        "user_id": "customer",
        "created_at": "date",
        "total_cents": "0",
        "status": "'paid'",
    },
    numbers_orders=True,
)
