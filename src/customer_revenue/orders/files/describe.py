"""Describe a file of no known format: what its columns hold, and the mapping that would make it importable."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from customer_revenue.orders.files.formats.format import Format, header_key
from customer_revenue.orders.files.reading import File

_SAMPLE_LINES = 1000
_MAX_STATUSES = 12
_EXAMPLES = 3
_MIN_LIKENESS = 0.75
_NUMBER = re.compile(r"^[-(]?[^\w\s]?\s?[-+]?[\d.,' ]*\d\)?\s?[^\w\s]?$")
_DATE = re.compile(r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|^\d{8}$|^\d{10}$|^\d{13}$|^[A-Z][a-z]{2,8}\.? \d{1,2}")
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.\w+$")

_WORDS = {
    "order_id": (
        "order id", "order", "order number", "order no", "invoice", "transaction", "receipt", "reference", "bestellnr",
        "bestellnummer", "commande", "pedido",
    ),
    "user_id": ("user", "customer", "client", "buyer", "member", "email", "account", "kunde", "cliente"),
    "created_at": ("created", "date", "ordered", "purchased", "time", "placed", "datum", "fecha"),
    "total": ("total", "amount", "price", "revenue", "gross", "value", "paid", "sum", "summe", "betrag", "importe"),
    "status": ("status", "state", "financial status", "payment status", "zustand", "estado"),
    "refund_cents": ("refund", "refunded"),
    "currency": ("currency", "währung", "moneda"),
    "product_name": ("product", "item", "title", "description", "artikel"),
    "quantity": ("quantity", "qty", "units", "menge", "anzahl"),
}  # fmt: skip
"""Our columns of the generic format, and words that occur in other systems' names for them."""

_REQUIRED = ("order_id", "user_id", "created_at", "total", "status")
_PAID_WORDS = (
    "paid",
    "complete",
    "completed",
    "shipped",
    "delivered",
    "fulfilled",
    "success",
    "succeeded",
    "settled",
    "closed",
)
_REFUND_WORDS = ("refund", "return", "chargeback")


@dataclass(frozen=True)
class _ColumnSample:
    name: str
    values: Counter[str]

    @property
    def shown(self) -> str:
        return ", ".join(value[:30] for value, _ in self.values.most_common(_EXAMPLES)) or "empty"

    @property
    def kind(self) -> str:
        """What most values look like."""
        if not self.values:
            return "empty"
        for kind, pattern in (("e-mails", _EMAIL), ("dates", _DATE), ("numbers", _NUMBER)):
            if sum(n for value, n in self.values.items() if pattern.match(value)) > 0.8 * self.values.total():
                return kind
        return "words" if len(self.values) <= _MAX_STATUSES else "texts"


def describe_file(file: File, nearest: Format | None, missing: Sequence[str]) -> list[str]:
    """Return lines that describe a file: the nearest format, its columns, its statuses and a mapping in TOML.

    Args:
        file: an inspected text file.
        nearest: the format that knows most of its columns.
        missing: the columns that the nearest format requires and the file lacks.
    """
    if file.is_parquet or file.delimiter is None:
        return [f"columns: {', '.join(file.header)}"]
    samples = _samples(file)
    meant = _meanings(samples)
    lines = []
    if nearest:
        lines.append(f"nearest format: {nearest.name}; it lacks {', '.join(missing)}")
    lines.append("columns, each with what it was taken for:")
    by_name = {name: ours for ours, name in meant.items()}
    width = max((len(sample.name) for sample in samples), default=0)
    for sample in samples:
        taken = by_name.get(sample.name, "")
        lines.append(f"  {sample.name:<{width}}  {sample.kind}: {sample.shown}" + (f"  -> {taken}" if taken else ""))
    status = next((sample for sample in samples if sample.name == meant.get("status")), None)
    lines += _status_lines(status)
    lines += ["a mapping to start from; save it and import with --mapping FILE:", *_mapping(meant, status)]
    return lines


def _samples(file: File) -> list[_ColumnSample]:
    counters: list[Counter[str]] = [Counter() for _ in file.header]
    with file.path.open(encoding=file.encoding.name, errors="replace", newline="") as stream:
        is_spaced = file.delimiter == " "
        rows = (line.split() for line in stream) if is_spaced else csv.reader(stream, delimiter=file.delimiter or ",")
        for row in itertools.islice(rows, 1, _SAMPLE_LINES):
            for counter, value in zip(counters, row, strict=False):
                if value.strip():
                    counter[value.strip()] += 1
    return [_ColumnSample(name, counter) for name, counter in zip(file.header, counters, strict=True)]


def _meanings(samples: Sequence[_ColumnSample]) -> dict[str, str]:
    """Return the file's name for each of our columns that one of its columns seems to be."""
    wanted = {"created_at": ("dates",), "total": ("numbers",), "quantity": ("numbers",), "refund_cents": ("numbers",)}
    scored = sorted(
        (
            (_likeness(sample.name, words), -place, ours, sample.name)
            for ours, words in _WORDS.items()
            for place, sample in enumerate(samples)
            if sample.kind in wanted.get(ours, (sample.kind,))
        ),
        reverse=True,
    )
    found: dict[str, str] = {}
    for likeness, _place, ours, name in scored:
        if likeness >= _MIN_LIKENESS and ours not in found and name not in found.values():
            found[ours] = name
    return found


def _likeness(name: str, words: Sequence[str]) -> float:
    key = header_key(name)
    return max(
        1.0 if key == header_key(word) else 0.9 if header_key(word) in key else
        SequenceMatcher(None, key, header_key(word)).ratio() * 0.85
        for word in words
    )  # fmt: skip


def _status_lines(status: _ColumnSample | None) -> list[str]:
    if status is None:
        return []
    counts = ", ".join(f"{value} {count:,}" for value, count in status.values.most_common(_MAX_STATUSES))
    return [f"statuses in {status.name}, in the first {_SAMPLE_LINES:,} lines: {counts}"]


def _mapping(meant: dict[str, str], status: _ColumnSample | None) -> list[str]:
    lines = ["[columns]"]
    for ours in _WORDS:
        if ours in meant:
            lines.append(f"{ours} = {_quoted(meant[ours])}")
        elif ours in _REQUIRED:
            lines.append(f'# {ours} = ""  # required: name the column')
    if status:
        lines.append("[statuses]")
        lines += [
            f"{_quoted(value)} = {_quoted(_guess(value))}" for value, _ in status.values.most_common(_MAX_STATUSES)
        ]
    return lines


def _guess(status: str) -> str:
    word = status.casefold()
    if any(part in word for part in _REFUND_WORDS):
        return "refunded"
    return "paid" if word in _PAID_WORDS else "ignored"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
