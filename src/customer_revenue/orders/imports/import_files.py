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
from customer_revenue.orders.aliases import resolve
from customer_revenue.orders.duckdb_sql import one_row, scalar
from customer_revenue.orders.engines.base_target import Target, Views
from customer_revenue.orders.engines.duckdb.target import memory_limit
from customer_revenue.orders.engines.schemes import open_target
from customer_revenue.orders.engines.urls import without_password
from customer_revenue.orders.files.columns.conventions import ColumnChoices
from customer_revenue.orders.files.staged_tables import SCHEMA
from customer_revenue.orders.files.staging import ImportRules, StagedFiles, stage_files
from customer_revenue.orders.forgotten_customers import check_forget_key
from customer_revenue.orders.imports.import_summary import ImportSummary
from customer_revenue.orders.imports.merge import MergeCounts, check_not_reassigned, compare, is_small, merge
from customer_revenue.orders.imports.statement import (
    Expectations,
    ImportStatement,
    Totals,
    changes_of,
    checks_of,
    no_totals,
    totals_of,
    totals_of_files,
)
from customer_revenue.orders.mapping import ShopMapping, load_mapping
from customer_revenue.orders.store_info import day_of, last_counted, read_info, write_info
from customer_revenue.periods import Clock, guess_clock
from customer_revenue.settings import StoreOptions
from customer_revenue.tables import IGNORED_STATUSES, PAID, REFUNDED

__all__ = ["IGNORED_STATUSES", "ImportSummary", "Progress", "Views", "import_files"]

Progress = Callable[[str, float | None], None]
"""Receives progress messages, and the share that is done (0 to 1) if it is known."""


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
    rates: Path | None = None,
    forget_key: str = "",
    choices: ColumnChoices | None = None,
    expectations: Expectations | None = None,
    dry_run: bool = False,
) -> ImportSummary:
    """Import files, which are one set, and replace the store with the new one at the end.

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
        rates: file of exchange rates by day; by default the one that the mapping names.
        forget_key: the secret with which customers were forgotten, required if any were.
        choices: how dates and amounts are read where a column does not decide it.
        expectations: what the books say of the files.
        dry_run: whether to leave the store as it is, and only say what an import would do.

    Raises:
        InputError: a file cannot be imported, or contradicts the store or the books.
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
        run = _Import(con, target, options, report, shop_mapping, forget_key, choices or ColumnChoices())
        run.rates_file = rates or shop_mapping.rates_file
        run.expectations, run.dry_run = expectations or Expectations(), dry_run
        return run.run(paths, without_password(url), format, live=live, as_of=as_of, views=views or {}, started=started)


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
        choices: ColumnChoices,
    ) -> None:
        self.choices, self.expectations, self.dry_run = choices, Expectations(), False
        self.rates_file: Path | None = None
        self.con, self.target, self.options, self.report, self.mapping = con, target, options, report, mapping
        self.old: dict[str, object] = {}
        self.zone, self.forget_key = options.timezone, forget_key
        self.has_forgotten = self.has_aliases = False
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
        new = SCHEMA
        files = totals_of_files(self.con, new, staged.sources)
        self.expectations.check(totals_of(self.con, "files", new), staged.currency)
        change = self._compare_with_store(new)
        zone, clock, chosen, fixed_day = self._clock(new, staged, live=live, as_of=as_of)
        self.con.execute("RESET force_compression")
        self.report("writing the store", 0.7)
        is_copy = bool(self.old) and is_small(self.con, "old", new) and self.target.copy_old(self.con)
        self.contradicting.update(merge(self.con, "old" if self.old else None, new, "next", is_copy=is_copy))
        write_info(
            self.con,
            currency=staged.currency,
            zone=zone,
            clock=clock,
            clock_is_chosen=chosen,
            as_of=fixed_day,
            formats=self._formats(staged),
        )
        views_changed = self.target.create_views(self.con, views, zone)
        info = read_info(self.con, "next", Path(url))
        items = scalar(self.con, "SELECT count(*) FROM next.order_items")
        statement, left = self._statement(staged, files), self._left_quarantine()
        if not self.dry_run:
            self.report("publishing the new store", 0.95)
            self._publish(change, info, views_changed=views_changed)
        self.report("done", 1.0)
        first, last = (day_of(_moment(info[name]), zone) for name in ("first_created_at", "last_created_at"))
        return ImportSummary(
            url=url,
            formats=tuple(part.name for part in staged.formats),
            lines=staged.lines,
            repeated=staged.repeated,
            inferences=tuple(inferred.text() for inferred in staged.inferences),
            orders_imported=change.imported,
            orders_updated=change.updated,
            orders_unchanged=change.unchanged,
            refunds_imported=change.refunds,
            quarantined=dict(Counter(staged.quarantined) + self.contradicting),
            left_quarantine=left,
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
            statement=statement,
            is_dry_run=self.dry_run,
        )

    def _statement(self, staged: StagedFiles, files: tuple[Totals, ...]) -> ImportStatement:
        before, after = "store before", "store after"
        return ImportStatement(
            staged.currency,
            files,
            totals_of(self.con, before, "old") if self.old else no_totals(before),
            totals_of(self.con, after, "next"),
            changes_of(self.con, "old", SCHEMA, staged.currency) if self.old else (),
            checks_of(self.con, SCHEMA, staged.currency, lines=staged.lines, repeated=staged.repeated),
        )

    def _publish(self, change: MergeCounts, info: Mapping[str, object], *, views_changed: bool) -> None:
        """Publish the new store, unless nothing has changed."""
        before, after = "FROM old.quarantine", "FROM next.quarantine"
        differs = not self.old or scalar(
            self.con, f"SELECT count(*) FROM (({after} EXCEPT {before}) UNION ALL ({before} EXCEPT {after}))"
        )
        if not change.is_empty or differs or info != self.old or views_changed:
            self.target.publish(self.con)

    def _left_quarantine(self) -> int:
        gone = "SELECT count(*) FROM (FROM old.quarantine EXCEPT FROM next.quarantine)"
        return scalar(self.con, gone) if self.old else 0

    def _open(self) -> None:
        self.target.attach(self.con)
        self.old = self.target.attach_old(self.con)
        if self.old and not self.options.timezone_is_set:
            self.zone = str(self.old["timezone"])  # without an explicit choice, keep the store's
        # DuckDB reads times without a zone in the session's zone.
        self.con.execute("SET TimeZone = ?", [self.zone])
        self.con.execute("SET force_compression = 'uncompressed'")
        self.has_forgotten = bool(self.old) and check_forget_key(self.con, self.forget_key)
        self.has_aliases = resolve(self.con, "old.aliases" if self.old else None)

    def _stage_all(self, paths: Sequence[Path], format_name: str | None) -> StagedFiles:
        currency = self.options.currency
        if self.old and currency and currency != self.old["currency"]:
            raise CurrencyMismatch(
                f"the store is in {self.old['currency']}, the settings say {currency}: use a store of its own"
            )
        rules = ImportRules(
            statuses={word: word for word in (PAID, REFUNDED, *IGNORED_STATUSES)},
            mapped_statuses=self.mapping.status_words,
            currency=str(self.old["currency"]) if self.old else currency,
            now=dt.datetime.now(dt.UTC).replace(tzinfo=None),
            renamed=self.mapping.columns,
            rates=self.mapping.rates,
            rates_file=self.rates_file,
            choices=self.choices,
            has_forgotten=self.has_forgotten,
            has_aliases=self.has_aliases,
        )
        return stage_files(
            self.con,
            paths,
            format_name,
            rules,
            has_store=bool(self.old),
            folder=self.target.folder,
            report=self.report,
        )

    def _compare_with_store(self, new: str) -> MergeCounts:
        self.report("comparing with the store", 0.6)
        if self.old:
            self._check_not_stored_by_name()
            check_not_reassigned(self.con, "old", new)
            return compare(self.con, "old", new)
        return MergeCounts(
            imported=scalar(self.con, f"SELECT count(*) FROM {new}.orders"),
            updated=0,
            unchanged=0,
            refunds=scalar(self.con, f"SELECT count(*) FROM {new}.refunds"),
            users=0,
        )

    def _check_not_stored_by_name(self) -> None:
        """Refuse orders that an earlier version stored under another id: they would count twice."""
        known = self.con.execute(
            f"SELECT former_id FROM {SCHEMA}.lines AS l JOIN old.orders AS o"
            " ON o.id = l.former_id AND o.created_at = l.created_at WHERE reason IS NULL LIMIT 1"
        ).fetchone()
        if known:
            raise InvalidParameter(
                f"the store holds order {known[0]} under its name, as earlier versions imported it: import all exports"
                " into a new store"
            )

    def _clock(
        self, new: str, staged: StagedFiles, *, live: bool, as_of: dt.date | None
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
        clock = guess_clock(last_day, today, any(part.is_sample for part in staged.formats)) if last_day else Clock.LIVE
        return zone, clock, False, None

    def _formats(self, staged: StagedFiles) -> str:
        before = str(self.old.get("formats", "")).split(",")
        return ",".join(dict.fromkeys(name for name in (*before, *(part.name for part in staged.formats)) if name))


def _moment(value: object) -> dt.datetime | None:
    assert value is None or isinstance(value, dt.datetime)
    return value


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value
