"""The file of acquisition costs: ``channel,month,cost``, what was spent on a channel in a month."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from customer_revenue.currencies import minor_digits
from customer_revenue.errors import UnreadableFile

COST_COLUMNS = ("channel", "month", "cost")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_MOST_DIGITS = 15


@dataclass(frozen=True)
class AcquisitionCost:
    """What was spent on a channel in a month such as ``2023-01``."""

    channel: str
    month: str
    cost_cents: int


def read_costs(path: Path, currency: str) -> list[AcquisitionCost]:
    """The rows of a CSV file of acquisition costs, in its order.

    Args:
        path: with the columns ``channel`` (as in the orders), ``month`` (``YYYY-MM``) and ``cost``, in units of the
            currency, with a decimal point. Other columns are ignored.
        currency: of the store, whose decimals a cost may have.

    Raises:
        UnreadableFile: the file cannot be read, lacks a column, has a row that cannot be used, or one twice.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            header = rows.fieldnames or []
            if lacking := [name for name in COST_COLUMNS if name not in header]:
                raise UnreadableFile(
                    f"{path} lacks the column(s) {', '.join(lacking)} of acquisition costs; "
                    f"it has {', '.join(header)[:100] or 'no header'}"
                )
            return list(_checked(rows, path, currency))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFile(f"cannot read the acquisition costs {path}: {error}") from None


def _checked(rows: csv.DictReader[str], path: Path, currency: str) -> Iterator[AcquisitionCost]:
    seen: dict[tuple[str, str], int] = {}
    for row in rows:
        where = f"{path}, line {rows.line_num}"
        channel, month, text = ((row[name] or "").strip() for name in COST_COLUMNS)
        if not channel:
            raise UnreadableFile(f"{where}: the channel is empty")
        if not _MONTH.fullmatch(month):
            raise UnreadableFile(f"{where}: month {month[:40]!r} is not a month such as 2023-01")
        if (channel, month) in seen:
            raise UnreadableFile(f"{where}: {channel[:40]!r} in {month} is in line {seen[channel, month]} already")
        seen[channel, month] = rows.line_num
        yield AcquisitionCost(channel, month, _cents(text, where, currency))


def _cents(text: str, where: str, currency: str) -> int:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if amount.is_finite() and 0 <= amount < 10**_MOST_DIGITS:
        cents = amount.scaleb(minor_digits(currency))
        if cents == int(cents):
            return int(cents)
    raise UnreadableFile(f"{where}: cost {text[:40]!r} is not an amount such as 1234.50, at least 0")
