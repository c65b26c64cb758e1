"""The summary of an import."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from customer_revenue.orders.imports.statement import ImportStatement
from customer_revenue.periods import Clock


@dataclass(frozen=True)
class ImportSummary:
    """The result of an import. The fields ending in ``_in_store``, and the days, describe the store after it."""

    url: str
    formats: tuple[str, ...]
    lines: int
    """Rows read, without the headers. Each was imported, was a repetition, or was quarantined."""
    repeated: int
    """Rows that repeat lines elsewhere in the files, or an order's earlier state."""
    inferences: tuple[str, ...]
    """How columns were read where the file leaves room, with the evidence."""
    orders_imported: int
    orders_updated: int
    orders_unchanged: int
    refunds_imported: int
    """Refunds that are new, changed or withdrawn."""
    quarantined: Mapping[str, int]
    """Number of rows by reason, the most frequent first."""
    left_quarantine: int
    """Rows that earlier imports quarantined and this one answered."""
    orders_in_store: int
    customers_in_store: int
    refunds_in_store: int
    items_in_store: int
    first_day: dt.date | None
    last_day: dt.date | None
    clock: Clock
    as_of: dt.date | None
    """The chosen as-of day, if any."""
    currency: str
    seconds: float
    statement: ImportStatement
    is_dry_run: bool = False
    """Whether the store was left as it was."""

    def render(self) -> str:
        """Render the summary as text."""
        rows = {
            "Read": f"{self.lines:,} lines ({', '.join(self.formats)}) in {self.seconds:.1f} s into {self.url}",
            "Orders": (
                f"{self.orders_imported:,} imported, {self.orders_updated:,} updated,"
                f" {self.orders_unchanged:,} unchanged"
            ),
            "Refunds": f"{self.refunds_imported:,} new, changed or withdrawn",
            "Quarantined": f"{sum(self.quarantined.values()):,} lines{self._reasons()}",
            "Store": (
                f"{self.customers_in_store:,} customers, {self.orders_in_store:,} orders with"
                f" {self.items_in_store:,} items, {self.refunds_in_store:,} refunds, in {self.currency}"
            ),
            "Days": f"{self.first_day} to {self.last_day}",
            "Clock": self._clock(),
        }
        if self.left_quarantine:
            rows["Corrected"] = f"{self.left_quarantine:,} lines have left the quarantine"
        if self.repeated:
            rows["Repeated"] = f"{self.repeated:,} lines occur again in the files and count once"
        lines = [f"{name:<13}{value}" for name, value in rows.items()]
        lines += [f"{'Inferred':<13}{inferred}" for inferred in self.inferences]
        if self.is_dry_run:
            lines.append("Nothing was imported: this was a dry run.")
        return "\n".join([*lines, "", self.statement.render()])

    def as_dict(self) -> dict[str, object]:
        """Return the summary as JSON values."""
        return {
            "store": self.url,
            "formats": list(self.formats),
            "lines": self.lines,
            "orders": {
                "imported": self.orders_imported,
                "updated": self.orders_updated,
                "unchanged": self.orders_unchanged,
            },
            "refunds_imported": self.refunds_imported,
            "repeated_lines": self.repeated,
            "quarantined_lines": dict(self.quarantined),
            "lines_that_left_quarantine": self.left_quarantine,
            "inferences": list(self.inferences),
            "first_day": self.first_day.isoformat() if self.first_day else None,
            "last_day": self.last_day.isoformat() if self.last_day else None,
            "is_dry_run": self.is_dry_run,
            "statement": self.statement.as_dict(),
        }

    def _reasons(self) -> str:
        counts = ", ".join(f"{reason} {count:,}" for reason, count in self.quarantined.items())
        return f" ({counts})" if counts else ""

    def _clock(self) -> str:
        if self.clock is Clock.LIVE:
            return "live: answers are as of now (--as-of DATE would fix a day)"
        return f"historical: answers are as of the end of {self.as_of or self.last_day} (--live would move it to now)"
