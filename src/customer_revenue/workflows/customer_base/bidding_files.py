"""Files for value-based bidding: Google's offline conversions and requests to Meta's Conversions API. Nothing is sent.

Forms as published: "Import conversions from ad clicks into Google Ads using files" (Google Ads Help); "Server Event
Parameters", "Original Event Data Parameters", "Customer Information Parameters" and "Custom Data Parameters" (Meta for
Developers, February 2026).
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
from dataclasses import dataclass

import numpy as np

from customer_revenue.choices import BiddingForm, FirstDayBy
from customer_revenue.currencies import in_units, minor_digits
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf
from customer_revenue.workflows.bodies import Body, Row
from customer_revenue.workflows.customer_base.first_day_groups import known_early_values
from customer_revenue.workflows.customer_base.new_customers import NewCustomers
from customer_revenue.workflows.customer_base.profits import MarginRate

EVENTS_PER_REQUEST = 1000
"""Of Meta's Conversions API."""

META_DAYS = 7
"""Meta refuses a whole request if one of its events is older."""

PURCHASE, MATURE = "Purchase", "PredictedValue"
"""The names of Meta's events at the order, and of those at a later age, which are no purchase of their own."""

GOOGLE_COLUMNS = (
    "Email",
    "Conversion Name",
    "Conversion Time",
    "Conversion Value",
    "Conversion Currency",
    "Order ID",
)

DOTLESS = ("gmail.com", "googlemail.com")
"""Google ignores dots before these domains."""

CONVERSION_NAME = "predicted_value"


@dataclass(frozen=True)
class BidOptions:
    """What the values in a file are.

    Attributes:
        by: what is known on the first day.
        value_days: the value is the expected profit within so many days of the first order.
        mature_days: age of a first order at which the value is reported; what came until then is in it.
        since_days: orders are reported that reached that age within so many days.
        cap_percent: values above this percentile of the file's are cut to it.
    """

    by: FirstDayBy = FirstDayBy.SIZE
    value_days: int = 365
    mature_days: int = 0
    since_days: int = 30
    cap_percent: int = 99


def bid_rows(store: Store, when: AsOf, margin: MarginRate, options: BidOptions) -> list[Row]:
    """First orders with the predicted value of their customer, oldest first.

    The value is what the customer had brought at the age, and what customers of their group are expected to bring from
    there on, times the margin; at least 0, and capped. It never uses what came later, so a file can be made again.

    Raises:
        NotEnoughData: nobody had bought by then.
    """
    value = (customers := NewCustomers.of(store, when, options.by)).value
    ages = (options.mature_days, options.since_days)
    rows: list[Row] = customers.groups.fetch(store, when, known_early_values, *ages).to_pylist()
    if not rows:
        return []
    within = value.cumulative([options.mature_days, options.value_days])
    rest = np.maximum(within[:, 1] - within[:, 0], 0.0)
    places = [customers.place(row["level"]) for row in rows]
    cents = np.maximum(np.array([row["net_cents"] for row in rows]) + rest[places], 0.0) * margin.share
    capped = np.minimum(cents, np.percentile(cents, options.cap_percent))
    return [row | {"value_cents": round(amount)} for row, amount in zip(rows, capped.tolist(), strict=True)]


def bidding_body(store: Store, when: AsOf, margin: MarginRate, form: BiddingForm, options: BidOptions) -> Body:
    """The text of a file, and what is in it.

    Raises:
        NotEnoughData: nobody had bought by then.
    """
    rows, currency = bid_rows(store, when, margin, options), store.info.currency
    if form is BiddingForm.GOOGLE:
        reported = [row for row in rows if row["email"]]
        file = google_csv(reported, currency)
    else:
        oldest = when.moment_utc_naive - dt.timedelta(days=META_DAYS)
        reported = [row for row in rows if _reached(row, options) >= oldest]
        file = meta_lines(reported, currency, options)
    return {
        "form": form.value,
        "conversions": len(reported),
        "without_email": sum(not row["email"] for row in rows),
        "too_old": 0 if form is BiddingForm.GOOGLE else len(rows) - len(reported),
        "total_value_cents": sum(row["value_cents"] for row in reported),
        "margin_percent": margin.percent,
        "margin_basis": margin.basis,
        "file": file,
    }


def google_csv(rows: list[Row], currency: str) -> str:
    """Offline conversions by hashed e-mail address, for an upload of enhanced conversions for leads."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["Parameters:TimeZone=+0000"])
    writer.writerow(GOOGLE_COLUMNS)
    digits = minor_digits(currency)
    for row in rows:
        moment = row["created_at"].strftime("%Y-%m-%d %H:%M:%S")  # files take no +00:00; the first line has the zone
        amount = f"{in_units(row['value_cents'], currency):.{digits}f}"
        writer.writerow(
            [sha256_of(google_email(row["email"])), CONVERSION_NAME, moment, amount, currency, row["order_id"]]
        )
    return text.getvalue()


def meta_lines(rows: list[Row], currency: str, options: BidOptions) -> str:
    """Bodies of requests to the Conversions API, one per line, each of up to 1,000 events.

    An event happens when the first order reaches the age at which its value is reported.
    """
    events = [_event(row, currency, options) for row in rows]
    starts = range(0, len(events), EVENTS_PER_REQUEST)
    return "".join(json.dumps({"data": events[start : start + EVENTS_PER_REQUEST]}) + "\n" for start in starts)


def google_email(email: str) -> str:
    """An address as Google wants it before hashing.

    >>> google_email(" Ann.Lee@Gmail.com "), google_email("Ann.Lee@Example.org")
    ('annlee@gmail.com', 'ann.lee@example.org')
    """
    name, at, domain = email.strip().lower().rpartition("@")
    return f"{name.replace('.', '') if domain in DOTLESS else name}{at}{domain}"


def sha256_of(text: str) -> str:
    """The SHA-256 of a text in UTF-8, in hexadecimal digits.

    >>> sha256_of("person@example.com")[:12]
    '542d24012988'
    """
    return hashlib.sha256(text.encode()).hexdigest()


def _reached(row: Row, options: BidOptions) -> dt.datetime:
    """When a first order reached the age at which its value is reported, in UTC."""
    created: dt.datetime = row["created_at"]
    return created + dt.timedelta(days=options.mature_days)


def _seconds(moment: dt.datetime) -> int:
    return int(moment.replace(tzinfo=dt.UTC).timestamp())


def _event(row: Row, currency: str, options: BidOptions) -> Row:
    email = (row["email"] or "").strip().lower()
    user = {"em": [sha256_of(email)]} if email else {}
    value = in_units(row["value_cents"], currency)
    ordered, at_once = _seconds(row["created_at"]), not options.mature_days
    original = {"event_name": PURCHASE, "event_time": ordered, "order_id": row["order_id"]}
    return {
        "event_name": PURCHASE if at_once else MATURE,
        "event_time": _seconds(_reached(row, options)),
        **({} if at_once else {"original_event_data": original}),
        "event_id": row["order_id"],
        "action_source": "system_generated",
        "user_data": {**user, "external_id": [sha256_of(row["customer_id"])]},
        "custom_data": {"currency": currency, "value": value, "predicted_ltv": value, "order_id": row["order_id"]},
    }
