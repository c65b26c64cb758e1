"""Import files of orders into a store: all or nothing, and importing the same file twice changes nothing."""

# ruff: noqa: S608  # SQL is built from this package's own names; values and file names are bound
from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from customer_revenue.errors import CurrencyMismatch, InvalidParameter
from customer_revenue.orders.duckdb_sql import one_row, scalar
from customer_revenue.orders.engines.base_target import Target, Views
from customer_revenue.orders.engines.duckdb.target import memory_limit
from customer_revenue.orders.engines.schemes import open_target
from customer_revenue.orders.engines.urls import without_password
from customer_revenue.orders.files.staging import ImportRules, StagedFile, stage
from customer_revenue.orders.forgotten_customers import check_forget_key
from customer_revenue.orders.imports.import_summary import ImportSummary
from customer_revenue.orders.imports.merge import MergeCounts, check_not_reassigned, compare, merge
from customer_revenue.orders.mapping import ShopMapping, load_mapping
from customer_revenue.orders.store_info import day_of, last_counted, read_info, write_info
from customer_revenue.periods import Clock, guess_clock
from customer_revenue.settings import StoreOptions
from customer_revenue.tables import PAID, REFUNDED

__all__ = ["ImportSummary", "Progress", "Views", "import_files"]

Progress = Callable[[str, float | None], None]
"""Receives progress messages, and the share that is done (0 to 1) if it is known."""

IGNORED_STATUSES = (
    "authorized",
    "canceled",
    "cancelled",
    "draft",
    "expired",
    "failed",
    "open",
    "partially_paid",
    "pending",
    "unpaid",
    "void",
    "voided",
)
"""Statuses that are stored under their own name and never count as revenue."""


def import_files(
    paths: Sequence[Path],
    url: str,
    options: StoreOptions,
    *,
    format: str | None = None,  # noqa: A002  # the option's name
    live: bool = False,
    as_of: dt.date | None = None,
    progress: Progress | None = None,
    views: Views | None = None,
    mapping: Path | None = None,
    forget_key: str = "",
) -> ImportSummary:
    """Import files, one after the other, and replace the store with the new one at the end.

    If anything fails, the store stays unchanged.

    Args:
        paths: the files.
        url: the URL of the store.
        options: the store's currency, reporting zone and mapping.
        format: name of the files' format; by default it is recognized by each header.
        live: answer as of now, however old the last order is.
        as_of: answer as of the end of this day.
        progress: receives progress messages.
        views: views to create in the store; without any, it keeps its views.
        mapping: file that maps the files' statuses and columns, see ``mapping``.
        forget_key: the secret with which customers were forgotten, required if any were.

    Raises:
        InputError: a file cannot be imported, or contradicts the store.
        StoreError: the store cannot be read or written.
    """
    started = time.monotonic()
    if live and as_of:
        raise InvalidParameter("live and as_of exclude each other: choose one")
    if not paths:
        raise InvalidParameter("name at least one file to import")
    mapping_file = mapping or options.mapping
    shop_mapping = load_mapping(mapping_file)
    if shop_mapping.tables:
        raise InvalidParameter(f"{mapping_file} maps tables of the shop's own database: nothing is imported into that")
    report = progress or (lambda _what, _part: None)
    with open_target(url) as target, duckdb.connect(config={"memory_limit": memory_limit(options)}) as con:
        return _Import(con, target, options, report, shop_mapping, forget_key).run(
            paths, without_password(url), format, live=live, as_of=as_of, views=views or {}, started=started
        )


class _Import:
    """One import, with its connection, its target and the store info of the current store."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        target: Target,
        options: StoreOptions,
        report: Progress,
        mapping: ShopMapping,
        forget_key: str,
    ) -> None:
        self.con, self.target, self.options, self.report, self.mapping = con, target, options, report, mapping
        self.old: dict[str, object] = {}
        self.zone, self.forget_key, self.has_forgotten = options.timezone, forget_key, False
        self.contradicting: Counter[str] = Counter()

    def run(
        self,
        paths: Sequence[Path],
        url: str,
        format_name: str | None,
        *,
        live: bool,
        as_of: dt.date | None,
        views: Views,
        started: float,
    ) -> ImportSummary:
        self._open()
        staged = self._stage_all(paths, format_name)
        new = self._combine(staged)
        change = self._compare_with_store(new)
        zone, clock, chosen, fixed_day = self._clock(new, staged, live=live, as_of=as_of)
        self.report("writing the store", 0.7)
        self.contradicting.update(merge(self.con, "old" if self.old else None, new, "next"))
        write_info(
            self.con,
            currency=staged[-1].currency,
            zone=zone,
            clock=clock,
            clock_is_chosen=chosen,
            as_of=fixed_day,
            formats=self._formats(staged),
        )
        views_changed = self.target.create_views(self.con, views, zone)
        info = read_info(self.con, "next", Path(url))
        items = scalar(self.con, "SELECT count(*) FROM next.order_items")
        self.report("publishing the new store", 0.95)
        self._publish(change, info, views_changed=views_changed)
        self.report("done", 1.0)
        quarantined = self.contradicting.copy()
        for part in staged:
            quarantined.update(part.quarantined)
        first, last = (day_of(_moment(info[name]), zone) for name in ("first_created_at", "last_created_at"))
        return ImportSummary(
            url=url,
            formats=tuple(dict.fromkeys(part.format.name for part in staged)),
            lines=sum(part.lines for part in staged),
            orders_imported=change.imported,
            orders_updated=change.updated,
            orders_unchanged=change.unchanged,
            refunds_imported=change.refunds,
            quarantined=dict(quarantined.most_common()),
            orders_in_store=_int(info["orders"]),
            customers_in_store=_int(info["customers"]),
            refunds_in_store=_int(info["refunds"]),
            items_in_store=items,
            first_day=first,
            last_day=last,
            clock=clock,
            as_of=fixed_day,
            currency=str(info["currency"]),
            seconds=time.monotonic() - started,
        )

    def _publish(self, change: MergeCounts, info: Mapping[str, object], *, views_changed: bool) -> None:
        """Publish the new store, unless nothing has changed."""
        grown = not self.old or scalar(
            self.con, "SELECT (SELECT count(*) FROM next.quarantine) - (SELECT count(*) FROM old.quarantine)"
        )
        if not change.is_empty or grown or info != self.old or views_changed:
            self.target.publish(self.con)

    def _open(self) -> None:
        self.target.attach(self.con)
        self.old = self.target.attach_old(self.con)
        if self.old and not self.options.timezone_is_set:
            self.zone = str(self.old["timezone"])  # without an explicit choice, keep the store's
        # DuckDB reads times without a zone in the session's zone.
        self.con.execute("SET TimeZone = ?", [self.zone])
        self.has_forgotten = bool(self.old) and check_forget_key(self.con, self.forget_key)

    def _stage_all(self, paths: Sequence[Path], format_name: str | None) -> list[StagedFile]:
        currency = self.options.currency
        if self.old and currency and currency != self.old["currency"]:
            raise CurrencyMismatch(
                f"the store is in {self.old['currency']}, the settings say {currency}: use a store of its own"
            )
        currency = str(self.old["currency"]) if self.old else currency
        staged: list[StagedFile] = []
        for position, path in enumerate(paths):
            self.report(f"reading {path.name}", 0.6 * position / len(paths))
            rules = ImportRules(
                statuses={
                    **{word: word for word in (PAID, REFUNDED, *IGNORED_STATUSES)},
                    **self.mapping.status_words,
                },
                currency=currency,
                now=dt.datetime.now(dt.UTC).replace(tzinfo=None),
                renamed=self.mapping.columns,
                rates=self.mapping.rates,
                has_forgotten=self.has_forgotten,
            )
            staged.append(
                stage(
                    self.con,
                    path,
                    format_name,
                    rules,
                    f"work.file_{position}",
                    known=[*(part.schema for part in reversed(staged)), *(["old"] if self.old else [])],
                    folder=self.target.folder,
                )
            )
            currency = staged[-1].currency
        return staged

    def _combine(self, staged: Sequence[StagedFile]) -> str:
        """Combine the files into one: a later file updates an earlier one, as if they were imported one by one."""
        combined = staged[0].schema
        for position, part in enumerate(staged[1:], 1):
            check_not_reassigned(self.con, combined, part.schema)
            compare(self.con, combined, part.schema)
            out = f"work.combined_{position}"
            self.con.execute(f"CREATE SCHEMA {out}")
            self.contradicting.update(merge(self.con, combined, part.schema, out))
            combined = out
        return combined

    def _compare_with_store(self, new: str) -> MergeCounts:
        self.report("comparing with the store", 0.6)
        if self.old:
            check_not_reassigned(self.con, "old", new)
            return compare(self.con, "old", new)
        return MergeCounts(
            imported=scalar(self.con, f"SELECT count(*) FROM {new}.orders"),
            updated=0,
            unchanged=0,
            refunds=scalar(self.con, f"SELECT count(*) FROM {new}.refunds"),
            users=0,
        )

    def _clock(
        self, new: str, staged: Sequence[StagedFile], *, live: bool, as_of: dt.date | None
    ) -> tuple[str, Clock, bool, dt.date | None]:
        """Return the reporting zone, the clock, whether a user chose it, and the fixed day. A choice persists."""
        zone = self.zone
        if live:
            return zone, Clock.LIVE, True, None
        if as_of:
            return zone, Clock.HISTORICAL, True, as_of
        if self.old.get("clock_is_chosen"):
            day = self.old["as_of"]
            return zone, Clock(str(self.old["clock"])), True, day if isinstance(day, dt.date) else None
        parts = " UNION ALL ".join(
            f"SELECT {last_counted(f'{name}.')} AS last" for name in [new, *(["old"] if self.old else [])]
        )
        (last,) = one_row(self.con, f"SELECT max(last) FROM ({parts})")
        today = dt.datetime.now(ZoneInfo(zone)).date()
        last_day = day_of(last, zone)
        clock = guess_clock(last_day, today, any(part.format.is_sample for part in staged)) if last_day else Clock.LIVE
        return zone, clock, False, None

    def _formats(self, staged: Sequence[StagedFile]) -> str:
        before = str(self.old.get("formats", "")).split(",")
        return ",".join(dict.fromkeys(name for name in (*before, *(part.format.name for part in staged)) if name))


def _moment(value: object) -> dt.datetime | None:
    assert value is None or isinstance(value, dt.datetime)
    return value


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value
