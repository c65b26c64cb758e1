"""The known formats, and the recognition of a file's format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from customer_revenue.errors import UnknownFormat
from customer_revenue.orders.files.formats.cdnow import CDNOW
from customer_revenue.orders.files.formats.format import Format
from customer_revenue.orders.files.formats.generic import GENERIC
from customer_revenue.orders.files.formats.online_retail import ONLINE_RETAIL
from customer_revenue.orders.files.formats.refund_file import REFUNDS
from customer_revenue.orders.files.formats.shopify import SHOPIFY
from customer_revenue.orders.files.formats.stripe import STRIPE

FORMATS = (ONLINE_RETAIL, CDNOW, SHOPIFY, STRIPE, REFUNDS, GENERIC)
"""The most specific first: a file has the first format that matches its header."""


def format_named(name: str) -> Format:
    """Return the format of that name.

    Raises:
        UnknownFormat: there is no such format; ``details`` lists the known ones.
    """
    for known in FORMATS:
        if known.name == name:
            return known
    names = ", ".join(known.name for known in FORMATS)
    raise UnknownFormat(f"unknown format {name[:40]!r}: use one of {names}", [known.title for known in FORMATS])


def recognise(
    path: Path, header: Sequence[str], format_name: str | None = None, renamed: Mapping[str, str] | None = None
) -> tuple[Format, dict[str, str]]:
    """Return the format of a file, and our name for each of its columns that the format knows.

    Args:
        path: the file, named in errors.
        header: the file's column names.
        format_name: name of the format; by default the header decides.
        renamed: the file's own names for some of our columns, from a mapping.

    Raises:
        UnknownFormat: no format matches, or the named one does not. The message names the missing columns.
    """
    candidates = [format_named(format_name)] if format_name else list(FORMATS)
    found = {candidate.name: candidate.match_columns(header, renamed or {}) for candidate in candidates}
    for candidate in candidates:
        if not candidate.missing_columns(found[candidate.name]):
            return candidate, found[candidate.name]
    nearest = max(candidates, key=lambda candidate: len(found[candidate.name]))
    shown = ", ".join(name[:30] for name in header[:12]) + (", …" if len(header) > 12 else "")
    if not (format_name or found[nearest.name]):
        names_of_all = ", ".join(known.name for known in FORMATS)
        raise UnknownFormat(
            f"{path} has columns of no known format ({shown}); known: {names_of_all}",
            [f"{known.name}: {known.title}" for known in FORMATS],
        )
    missing = ", ".join(nearest.missing_columns(found[nearest.name]))
    raise UnknownFormat(f"{path} lacks the column(s) {missing} of the format {nearest.name}; it has {shown}")
