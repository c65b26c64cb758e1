"""The contact log: who was contacted on which day, as an e-mail tool exports it."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from customer_revenue.errors import InvalidParameter, UnreadableFile
from customer_revenue.periods import parse_day
from customer_revenue.workflows.parameters import MAX_ID_LENGTH

CONTACT_COLUMNS = ("customer_id", "contacted_on")
ANY_CHANNEL = ""


@dataclass(frozen=True)
class Contact:
    """One contact of a customer; with the channel, where it is known."""

    customer_id: str
    contacted_on: dt.date
    channel: str = ANY_CHANNEL


def read_contacts(path: Path) -> list[Contact]:
    """The rows of a CSV file of contacts, in its order.

    Args:
        path: with the columns ``customer_id`` and ``contacted_on`` (``YYYY-MM-DD``), and ``channel`` if it is known.
            Other columns are ignored.

    Raises:
        UnreadableFile: the file cannot be read, lacks a column, or has a row that cannot be used; names its line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            header = rows.fieldnames or []
            if lacking := [name for name in CONTACT_COLUMNS if name not in header]:
                raise UnreadableFile(
                    f"{path} lacks the column(s) {', '.join(lacking)} of contacts; "
                    f"it has {', '.join(header)[:100] or 'no header'}"
                )
            return list(contacts_of(_numbered(rows, path)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFile(f"cannot read the contacts {path}: {error}") from None
    except InvalidParameter as error:
        raise UnreadableFile(error.message) from None


def contacts_of(rows: Iterable[tuple[str, Mapping[str, str | None]]]) -> Iterator[Contact]:
    """Contacts from rows, each with its place for an error.

    Raises:
        InvalidParameter: a row cannot be used; names its place.
    """
    for place, row in rows:
        customer, day, channel = ((row.get(name) or "").strip() for name in (*CONTACT_COLUMNS, "channel"))
        if not customer or len(customer) > MAX_ID_LENGTH or "\x00" in customer:
            raise InvalidParameter(f"{place}: the customer_id is empty, or no id")
        yield Contact(customer, parse_day(day, f"{place}: contacted_on"), channel[:40])


def _numbered(rows: csv.DictReader[str], path: Path) -> Iterator[tuple[str, Mapping[str, str | None]]]:
    for row in rows:
        yield f"{path}, line {rows.line_num}", row
