"""Stage the files of an import together: check their lines, and turn the valid ones into orders, items and refunds."""

# ruff: noqa: S608  # SQL is built from this package's own names; values and file names are bound
from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import duckdb

from customer_revenue.errors import NothingImported, UnreadableFile
from customer_revenue.orders.duckdb_sql import first_line, scalar
from customer_revenue.orders.files import whole_orders
from customer_revenue.orders.files.aliased_lines import resolve_lines
from customer_revenue.orders.files.answered_rows import (
    quarantine_incomplete_orders,
    stage_answered,
    stage_returned,
)
from customer_revenue.orders.files.columns.conventions import ColumnChoices, Conventions, Inference
from customer_revenue.orders.files.columns.judge import ColumnJudge, JudgedColumns, decide_together
from customer_revenue.orders.files.export_columns import EXPORT_COLUMNS, export_columns, restore_cells
from customer_revenue.orders.files.formats.format import LINE_COLUMNS, Format
from customer_revenue.orders.files.formats.optional_columns import OPTIONAL_TYPES, stated_columns
from customer_revenue.orders.files.left_empty import left_empty
from customer_revenue.orders.files.line_currencies import (
    check_days_have_rates,
    currency_of_file,
    rated,
    stage_rates,
    with_minor_units,
)
from customer_revenue.orders.files.parsing import parse_failure, parsed_columns
from customer_revenue.orders.files.quarantine import (
    QuarantineSource,
    counts_by_reason,
    drop_forgotten,
    quarantine_reason,
    stage_quarantine,
    swallowed_lines,
)
from customer_revenue.orders.files.rates_by_day import read_rates
from customer_revenue.orders.files.reading import LINE, File, Rows, check_header, header_line, inspect_file, read_rows
from customer_revenue.orders.files.recognition import check_mapped_columns, recognise
from customer_revenue.orders.files.refunds import mark_invalid_refunds
from customer_revenue.orders.files.staged_tables import (
    LINES,
    SCHEMA,
    stage_items,
    stage_orders,
    stage_refunds,
    stage_users,
)
from customer_revenue.orders.files.unpacking import unpack

_AMOUNTS = ("total_cents", "amount_cents", "refund_cents", "discount_cents", "cost_cents")
_MAX_SHOWN_REASONS = 4


@dataclass(frozen=True)
class ImportRules:
    """What the lines of every file of an import are checked against."""

    statuses: Mapping[str, str]
    """Each known status, in lower case, and the status that it is stored as."""
    mapped_statuses: Mapping[str, str]
    """Those of the shop's own mapping, which precede a format's."""
    currency: str
    """The store's currency, empty until a setting or a file decides it."""
    now: dt.datetime
    """The current time in UTC, without a zone."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """The files' own names for some of our columns."""
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    """The value of one unit of another currency in the store's, on every day."""
    rates_file: Path | None = None
    """File of the values by day."""
    choices: ColumnChoices = field(default_factory=ColumnChoices)
    has_forgotten: bool = False
    """Whether customers of the store were forgotten."""
    has_aliases: bool = False
    """Whether the temporary table ``resolved`` merges customers."""

    @property
    def latest(self) -> dt.datetime:
        """The latest plausible time."""
        return self.now + dt.timedelta(days=1)


@dataclass(frozen=True)
class LoadedFile:
    """A file whose rows are in a table of texts."""

    path: Path
    """As the user named it."""
    file: File
    format: Format
    theirs: Mapping[str, str]
    """The file's own name of each column that the format knows."""
    rows: Rows

    def as_quarantined(self) -> QuarantineSource:
        """Return what the quarantine keeps of the file."""
        delimiter = self.file.delimiter or ","
        further = export_columns(self.file.header)
        header = header_line([name for name in self.file.header if name not in further], delimiter)
        leading = sum(1 for _ in itertools.takewhile(further.__contains__, self.file.header))
        return QuarantineSource(self.file.source, self.rows, header, delimiter, bool(further), leading)


@dataclass(frozen=True)
class StagedFiles:
    """The files of an import, staged in ``SCHEMA``."""

    formats: tuple[Format, ...]
    currency: str
    lines: int
    """Rows read, without the headers."""
    repeated: int
    """Rows that repeat lines elsewhere in the files, or an order's earlier state."""
    quarantined: Mapping[str, int]
    """Number of rows by reason."""
    inferences: tuple[Inference, ...]
    sources: tuple[str, ...]
    """The name of each file, by its position in ``lines.file``."""


def stage_files(
    con: duckdb.DuckDBPyConnection,
    paths: Sequence[Path],
    format_name: str | None,
    rules: ImportRules,
    *,
    has_store: bool,
    folder: Path,
    report: Callable[[str, float | None], None],
) -> StagedFiles:
    """Read files into the tables of ``SCHEMA``. They are one set: an order can be in several of them.

    Args:
        con: a connection with the database ``work``, whose session time zone is the reporting zone.
        paths: the files.
        format_name: name of their format; by default each is recognized by its header.
        rules: what the lines are checked against.
        has_store: whether the database ``old`` holds orders and refunds.
        folder: folder for unpacked files and copies in UTF-8.
        report: receives progress messages.

    Raises:
        UnreadableFile: a file cannot be read.
        UnknownFormat: no format matches its columns.
        UndecidedColumn: a column can be read in two ways.
        CurrencyMismatch: there are several currencies and none is chosen, or they are not the store's.
        NothingImported: every row of a file was quarantined.
    """
    check_mapped_columns(rules.renamed)
    con.execute(f"CREATE SCHEMA {SCHEMA}")
    loaded = _load_all(con, paths, format_name, rules, folder, report)
    conventions = _judge_all(con, loaded, rules)
    currency = rules.currency
    stated = _stated_columns(loaded, has_rates=bool(rules.rates or rules.rates_file))
    read_rates(con, rules.rates_file, folder, rules.choices, rules.latest)
    line_columns = {**LINE_COLUMNS, **{name: OPTIONAL_TYPES[name] for name in stated}}
    columns = ", ".join(f"{name} {sql_type}" for name, sql_type in line_columns.items() if name != "left_out")
    con.execute(
        f"CREATE TABLE {LINES} (file INTEGER, {LINE} BIGINT, content UBIGINT, is_summed BOOLEAN, is_restated BOOLEAN,"
        " is_movable BOOLEAN,"
        f" {columns},"
        " reason VARCHAR, original_user_id VARCHAR)"
    )
    inferences: list[Inference] = []
    for position, file in enumerate(loaded):
        inferences += conventions[position].inferences
        report(f"checking {file.file.source}", 0.3 + 0.3 * position / len(loaded))
        currency = currency_of_file(con, file.path, file.rows, file.format, conventions[position], currency)
        conventions[position] = with_minor_units(con, conventions[position], file.rows, file.format, currency)
        _stage_lines(con, position, file, conventions[position], rules, currency, line_columns)
        inferences += left_empty(con, file.rows, file.format, file.theirs, file.file.source, conventions[position])
    check_days_have_rates(con, LINES)
    _number_orders(con, loaded)
    if rules.has_forgotten:
        drop_forgotten(con, LINES, stated)
    if rules.has_aliases:
        resolve_lines(con, LINES)
    sources = {position: file.as_quarantined() for position, file in enumerate(loaded)}
    stage_returned(con, SCHEMA, sources, has_store=has_store)
    quarantine_incomplete_orders(con, SCHEMA)
    repeated, elsewhere = _make_whole(con, loaded)
    stage_orders(con, stated)
    mark_invalid_refunds(con, LINES, [f"{SCHEMA}.orders", *(["old.orders"] if has_store else [])], has_store=has_store)
    stage_items(con, stated)
    stage_refunds(con)
    stage_users(con, stated)
    stage_quarantine(con, SCHEMA, sources, has_forgotten=rules.has_forgotten)
    if has_store:
        stage_answered(con, SCHEMA, sources)
    quarantined = counts_by_reason(con, SCHEMA)
    _check_something_is_left(con, {n: file for n, file in enumerate(loaded) if n not in elsewhere})
    return StagedFiles(
        _distinct_formats(loaded),
        currency,
        sum(scalar(con, f"SELECT count(*) FROM {file.rows.table}") + file.rows.rejected for file in loaded),
        repeated,
        quarantined,
        tuple(inferences),
        tuple(file.file.source for file in loaded),
    )


def _stated_columns(loaded: Sequence[LoadedFile], *, has_rates: bool) -> list[str]:
    """Return the optional columns that any of the files states, and those of converted orders."""
    found = {name for file in loaded for name in stated_columns(file.format, file.rows.types)}
    if {"original_currency", "original_cents"} & found or has_rates:
        found |= {"original_currency", "original_cents"}
    return [name for name in OPTIONAL_TYPES if name in found]


def _distinct_formats(loaded: Sequence[LoadedFile]) -> tuple[Format, ...]:
    return tuple({file.format.name: file.format for file in loaded}.values())


def _load_all(
    con: duckdb.DuckDBPyConnection,
    paths: Sequence[Path],
    format_name: str | None,
    rules: ImportRules,
    folder: Path,
    report: Callable[[str, float | None], None],
) -> list[LoadedFile]:
    loaded: list[LoadedFile] = []
    for place, path in enumerate(paths):
        report(f"reading {path.name}", 0.3 * place / len(paths))
        for plain in unpack(path, folder):
            file = inspect_file(plain.path, plain.source)
            further = export_columns(file.header)
            file_format, names = recognise(file, path, format_name, rules.renamed, further)
            names |= further
            check_header(file, names)
            try:
                rows = read_rows(con, file, names, f"{SCHEMA}.rows_{len(loaded)}", folder)
            except (duckdb.IOException, duckdb.OutOfMemoryException):
                raise  # the disk or the memory failed, not the file
            except duckdb.Error as error:
                raise UnreadableFile(f"{path} cannot be read: {first_line(error)}") from None
            if further:
                restore_cells(con, rows.table)
            if not scalar(con, f"SELECT count(*) FROM {rows.table}") + rows.rejected:
                raise UnreadableFile(f"{path} has a header but no rows")
            loaded.append(LoadedFile(path, file, file_format, {ours: name for name, ours in names.items()}, rows))
    return loaded


def _judge_all(
    con: duckdb.DuckDBPyConnection, loaded: Sequence[LoadedFile], rules: ImportRules
) -> dict[int, Conventions]:
    judged: dict[int, JudgedColumns] = {}
    for position, file in enumerate(loaded):
        judge = ColumnJudge(
            con,
            file.rows.table,
            file.file.source,
            file.format,
            file.rows.types,
            file.theirs,
            rules.choices,
            rules.latest,
            is_excerpt=bool(export_columns(file.file.header)),
        )
        judged[position] = judge.judge()
    return decide_together(judged, {position: file.format for position, file in enumerate(loaded)})


def _stage_lines(
    con: duckdb.DuckDBPyConnection,
    position: int,
    file: LoadedFile,
    conventions: Conventions,
    rules: ImportRules,
    currency: str,
    line_columns: Mapping[str, str],
) -> None:
    words = {**rules.statuses, **file.format.statuses, **rules.mapped_statuses}
    con.execute("CREATE OR REPLACE TEMP TABLE statuses (word VARCHAR, meaning VARCHAR)")
    con.executemany("INSERT INTO statuses VALUES (?, ?)", list(words.items()))
    stage_rates(con, currency, rules.rates)
    line = {"role": "'order'", **file.format.line}
    projected = ", ".join(
        f"CAST({line.get(name, 'NULL')} AS {sql_type}) AS {name}" for name, sql_type in line_columns.items()
    )
    converted = [_converted(name) for name in _AMOUNTS if name in line_columns]
    if "original_cents" in line_columns:
        converted += _ORIGINAL
    types, columns = file.rows.types, [name for name in con.table(file.rows.table).columns if name != LINE]
    scanned = [f"scan.{name}" for name in columns]
    own = [name for name in scanned if name.removeprefix("scan.") not in EXPORT_COLUMNS]
    delimiter = (file.file.delimiter or "").strip(" ")
    swallowed = swallowed_lines(scanned, delimiter) if delimiter else "false"
    failure = f"CASE WHEN swallowed THEN 'unclosed_quote' ELSE {parse_failure(file.format, types)} END"
    prepared = [f"{failure} AS unreadable", *(f"{sql} AS {name}" for name, sql in file.format.prepared.items())]
    has_bad_bytes = file.file.encoding.bad_bytes > 0
    con.execute(
        f"""
        INSERT INTO {LINES} BY NAME
        WITH parsed AS (
            SELECT {LINE}, hash({", ".join(own)}) AS content, {swallowed} AS swallowed,
                {", ".join(parsed_columns(file.format, types, conventions))}
            FROM {file.rows.table} AS scan
        ), prepared AS (
            SELECT parsed.*, {", ".join(prepared)} FROM parsed
        ), projected AS (
            SELECT {LINE}, content, unreadable, {projected} FROM prepared
        ), rated AS (
            {rated(con, "projected")}
        )
        SELECT $file AS file, $is_summed AS is_summed, $is_restated AS is_restated,
            $is_movable AS is_movable,
            rated.* EXCLUDE (unreadable, status, left_out, rate, refund_rate) REPLACE ({", ".join(converted)}),
            meaning AS status, {quarantine_reason(file.format, has_bad_bytes=has_bad_bytes)} AS reason
        FROM rated LEFT JOIN statuses ON word = lower(status)
        """,
        {
            "latest": rules.latest,
            "file": position,
            **({"currency": currency} if "original_cents" in line_columns else {}),
            "is_summed": file.format.total_is_summed,
            "is_restated": file.format.refund_column in types,
            "is_movable": file.format.moves_customers,
        },
    )


def _converted(amount: str) -> str:
    """Return SQL for an amount in the store's currency."""
    rate = "refund_rate" if amount == "refund_cents" else "rate"
    whole = f"TRY_CAST(round(CAST({amount} AS DECIMAL(19, 0)) * {rate}) AS BIGINT)"
    return f"CASE WHEN {rate} <> 1 THEN {whole} ELSE {amount} END AS {amount}"


_IS_FOREIGN = "role = 'order' AND upper(currency) <> $currency"
_ORIGINAL = (
    f"CASE WHEN {_IS_FOREIGN} THEN upper(currency) ELSE original_currency END AS original_currency",
    f"CASE WHEN {_IS_FOREIGN} THEN coalesce(total_cents, amount_cents) ELSE original_cents END AS original_cents",
)
"""SQL for the total of a line before it is converted."""


def _number_orders(con: duckdb.DuckDBPyConnection, loaded: Sequence[LoadedFile]) -> None:
    """Distinguish the orders that have one id, of formats without order ids, in the order of the files and lines."""
    files = ", ".join(str(position) for position, file in enumerate(loaded) if file.format.numbers_orders)
    if not files:
        return
    con.execute(
        f"""
        CREATE OR REPLACE TABLE {SCHEMA}.numbered AS
        SELECT lines.* REPLACE (
            CASE WHEN file IN ({files}) AND order_id IS NOT NULL THEN order_id || '-' || row_number() OVER (
                PARTITION BY order_id ORDER BY file, {LINE}) ELSE order_id END AS order_id)
        FROM {LINES} AS lines
        """
    )
    con.execute(f"DROP TABLE {LINES}")
    con.execute(f"ALTER TABLE {SCHEMA}.numbered RENAME TO lines")


def _make_whole(con: duckdb.DuckDBPyConnection, loaded: Sequence[LoadedFile]) -> tuple[int, set[int]]:
    """Leave each order in one state, each line once and no order without its bad lines.

    Returns:
        How many lines were removed, and the files with good lines that another one repeats or states anew.
    """
    rejects = {
        position: (
            f"{file.rows.table}_rejected",
            file.file.delimiter,
            file.file.header.index(file.theirs[file.format.id_column]),
            "refund_id" if file.format.line.get("role") == "'refund'" else "order_id",
        )
        for position, file in enumerate(loaded)
        if file.rows.rejected and file.file.delimiter and file.format.id_column in file.theirs
    }
    removed = whole_orders.drop_superseded(con, LINES)
    whole_orders.find_repeated_ids(con, LINES)
    whole_orders.quarantine_orders_of_rejects(con, LINES, rejects)
    whole_orders.spread_reasons(con, LINES)
    lines_by_file = f"SELECT file, count(*) FROM {LINES} GROUP BY file"
    before = dict(con.execute(lines_by_file).fetchall())
    whole_orders.settle_states(con, LINES)
    removed += whole_orders.drop_repeated(con, LINES)
    after = dict(con.execute(lines_by_file).fetchall())
    return removed, {file for file, lines in before.items() if after.get(file) != lines}


def _check_something_is_left(con: duckdb.DuckDBPyConnection, loaded: Mapping[int, LoadedFile]) -> None:
    for position, file in loaded.items():
        if not scalar(con, f"SELECT count(*) FROM {LINES} WHERE file = {position} AND reason IS NOT NULL"):
            continue
        if scalar(con, f"SELECT count(*) FROM {LINES} WHERE file = {position} AND reason IS NULL"):
            continue
        reasons = con.execute(
            f"SELECT reason, count(*) FROM {LINES} WHERE file = {position} GROUP BY 1 ORDER BY 2 DESC, 1"
        ).fetchall()
        shown = ", ".join(f"{reason} {count}" for reason, count in reasons[:_MAX_SHOWN_REASONS])
        raise NothingImported(f"{file.path}: none of its rows can be imported ({shown})")
