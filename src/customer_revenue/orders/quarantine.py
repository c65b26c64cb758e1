"""Why a row of a file was not imported."""

from __future__ import annotations

REASONS = {
    "unreadable_line": "the line cannot be split into the header's columns",
    "missing_customer": "no customer id",
    "missing_order_id": "no order id",
    "missing_refund_id": "no refund id",
    "bad_date": "no date, or one that does not exist or lies before 1900",
    "future_date": "a date after tomorrow",
    "bad_amount": "an amount that is missing or is no number",
    "bad_quantity": "a quantity that is no whole number",
    "negative_total": "a negative total",
    "no_amount": "a line of an invoice without a positive amount, or of a cancellation without a negative one",
    "unknown_status": "a status that is neither known nor mapped in the settings",
    "other_currency": "another currency than the store's",
    "negative_refund": "a refund of zero or less",
    "refund_exceeds_total": "refunds of more than their order's total",
    "refund_of_other_customer": "a refund whose order is another customer's",
    "duplicate_id": "one id with different contents in one file",
}
"""Every reason that a row can be quarantined for, and what it means."""

EARLIEST_YEAR = 1900
"""Dates before this year are typing errors or stand for an unknown date."""

QUARANTINE_COLUMNS = {
    "source": "VARCHAR",
    "line": "BIGINT",
    "reason": "VARCHAR",
    "user_id": "VARCHAR",
    "raw": "VARCHAR",
}
"""The quarantine table: name of the file, line in it, reason, customer id if there was one, the line's values."""
