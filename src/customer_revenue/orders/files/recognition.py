"""Recognize the format of a file by its header, or describe the file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path

from customer_revenue.errors import InvalidParameter, UnknownFormat
from customer_revenue.orders.files.describe import describe_file
from customer_revenue.orders.files.formats.format import Format
from customer_revenue.orders.files.formats.known import FORMATS, format_named
from customer_revenue.orders.files.formats.optional_columns import OPTIONAL_NAMES, with_mapped
from customer_revenue.orders.files.reading import File


def recognise(
    file: File,
    path: Path,
    format_name: str | None = None,
    renamed: Mapping[str, str] | None = None,
    ignored: Collection[str] = (),
) -> tuple[Format, dict[str, str]]:
    """Return the format of a file, and our name for each of its columns that the format knows.

    Args:
        file: the inspected file.
        path: the file as the user named it, for errors.
        format_name: name of the format; by default the header decides.
        renamed: the file's own names for some of our columns, from a mapping.
        ignored: columns of the file that are no format's.

    Raises:
        UnknownFormat: no format matches, or the named one does not. The message names the missing columns, and the
            details describe the file.
    """
    mapped = renamed or {}
    candidates = [with_mapped(f, mapped) for f in ([format_named(format_name)] if format_name else FORMATS)]
    header = [name for name in file.header if name not in ignored]
    found = {candidate.name: candidate.match_columns(header, mapped) for candidate in candidates}
    for candidate in candidates:
        has_others = len(found[candidate.name]) < len(header)
        if not candidate.missing_columns(found[candidate.name]) and (candidate.allows_other_columns or not has_others):
            return candidate, found[candidate.name]
    nearest = max(
        (c for c in candidates if c.allows_other_columns),
        key=lambda candidate: _nearness(candidate, found[candidate.name]),
    )
    shown = ", ".join(name[:30] for name in file.header[:12]) + (", …" if len(file.header) > 12 else "")
    missing = nearest.missing_columns(found[nearest.name])
    if not (format_name or found[nearest.name]):
        names_of_all = ", ".join(known.name for known in FORMATS)
        raise UnknownFormat(
            f"{path} has columns of no known format ({shown}); known: {names_of_all}", describe_file(file, None, ())
        )
    raise UnknownFormat(
        f"{path} lacks the column(s) {', '.join(missing)} of the format {nearest.name}; it has {shown}",
        describe_file(file, nearest, missing),
    )


def _nearness(candidate: Format, found: Mapping[str, str]) -> float:
    """The share of a format's required columns that a file has."""
    missing = len(candidate.missing_columns(found))
    required = sum(column.required for column in candidate.columns) + bool(candidate.requires_one_of)
    return (required - missing) / required + len(found) / 1000


def check_mapped_columns(renamed: Mapping[str, str]) -> None:
    """Check that a mapping names columns that some format has.

    Raises:
        InvalidParameter: it names another; the message suggests what may have been meant.
    """
    known = sorted({*OPTIONAL_NAMES, *(column.name for candidate in FORMATS for column in candidate.columns)})
    for name in renamed:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f": did you mean {near[0]}?" if near else f"; use one of {', '.join(known)}"
            raise InvalidParameter(f"the mapping names the column {name[:40]!r}, which no format has{hint}")
