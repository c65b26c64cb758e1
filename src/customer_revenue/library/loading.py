"""Orders from frames and files: imported into a temporary store by the same rules as ``customer-revenue import``."""

from __future__ import annotations

import datetime as dt
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any, TypeAlias, TypeVar

import pyarrow.parquet as pq

from customer_revenue.console import silent
from customer_revenue.errors import InputError, InvalidParameter, UnknownFormat
from customer_revenue.library.frame_columns import DayLike, as_day
from customer_revenue.library.order_frames import Frame, as_arrow, is_frame
from customer_revenue.library.orders import Orders
from customer_revenue.orders.files.columns.conventions import ColumnChoices, DateOrder, DecimalSign
from customer_revenue.orders.files.formats.event_log import LOG, LOG_WITH_ORDERS
from customer_revenue.orders.files.samples import cdnow_path, write_cdnow_sample
from customer_revenue.orders.store import open_store as open_store_at
from customer_revenue.settings import load_settings
from customer_revenue.workflows.import_orders import import_orders

Choice = TypeVar("Choice", DateOrder, DecimalSign)

Source: TypeAlias = Frame | str | Path | Sequence[str | Path]
"""Orders as a frame of pandas, Polars or any other library that speaks Arrow, a file, or several files."""


class NotImported(UserWarning):
    """Some rows could not be imported; ``Orders.quarantine`` returns them, each with the reason."""


def load_orders(
    source: Source,
    *,
    customer: str | None = None,
    date: str | None = None,
    amount: str | None = None,
    order: str | None = None,
    dates: str | None = None,
    decimal: str | None = None,
    as_of: DayLike | None = None,
    live: bool = False,
    **settings: Any,
) -> Orders:
    """Import orders from a frame or from files into a temporary store, which is deleted with the returned object.

    A frame is recognised by its columns, as a file is (``docs/data.md``), and its columns are judged by the same rules.
    If they have names of their own, say which is which: one row is an order then, or one line of the ``order`` that it
    names. For a permanent store, use ``customer-revenue import``.

    Args:
        source: a frame of pandas, Polars or Arrow, or any with Arrow's PyCapsule interface; a file, or several files.
        customer: the frame's column with the id of the customer.
        date: its column with the day or time of the order.
        amount: its column with the amount, in units of the currency. Without one, under any usual name, each order is
            one of zero: only purchases count.
        order: its column with the id of the order. Without one, every row is an order of its own.
        dates: ``day-first`` or ``month-first``, where a column leaves it open.
        decimal: decimal sign, ``comma`` or ``point``, where a column leaves it open.
        as_of: as-of day of the store; by default the day of the last order, or today if that is recent.
        live: use today as the as-of day, however old the last order is.
        settings: any setting by name, such as ``currency="EUR"`` or ``timezone="Europe/Berlin"``.

    Raises:
        InputError: a file cannot be imported.
        InvalidParameter: the frame has no such column, or the source is none.

    Warns:
        NotImported: some rows are in quarantine.

    >>> import customer_revenue as cr, pandas as pd
    >>> log = pd.DataFrame({"Kunde": ["ann", "bob", "ann"], "Tag": ["13.5.2024", "1.6.2024", "2.6.2024"], "€": "9,50"})
    >>> with cr.load_orders(log, customer="Kunde", date="Tag", amount="€", currency="EUR") as orders:
    ...     orders.facts()[["customer_id", "total_revenue_cents"]].to_numpy().tolist()
    [['ann', 1900], ['bob', 950]]

    >>> import customer_revenue as cr
    >>> simulated = cr.simulate_orders(customers=100, days=180, seed=1)
    >>> with cr.load_orders(simulated, as_of="2023-06-30") as orders:
    ...     orders.info.customers, str(orders.info.first_day)
    (100, '2023-01-03')
    """
    named = {"customer": customer, "date": date, "amount": amount, "order_id": order}
    chosen = {ours: theirs for ours, theirs in named.items() if theirs is not None}
    choices = ColumnChoices(_choice(DateOrder, dates, "dates"), _choice(DecimalSign, decimal, "decimal"))
    folder = Path(mkdtemp(prefix="customer-revenue-"))
    try:
        return _load_into(folder, source, chosen, choices, as_day(as_of), live, settings)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _choice(kind: type[Choice], text: str | None, name: str) -> Choice | None:
    try:
        return None if text is None else kind(text)
    except ValueError:
        raise InvalidParameter(f"{name}: {str(text)[:40]!r} is none of {', '.join(kind)}", list(kind)) from None


def _load_into(
    folder: Path,
    source: Source,
    columns: dict[str, str],
    choices: ColumnChoices,
    as_of: dt.date | None,
    live: bool,
    settings: dict[str, Any],
) -> Orders:
    given = {"models": folder / "models", **settings}
    chosen = load_settings(**{**given, "store": f"duckdb:///{folder}/orders.duckdb"})
    format_name = None
    if is_frame(source):
        files = [folder / "frame.parquet"]
        pq.write_table(as_arrow(source, columns), files[0])
        if columns:
            format_name = (LOG_WITH_ORDERS if "order_id" in columns else LOG).name
    elif columns:
        raise InvalidParameter(f"{', '.join(columns)} name columns of a frame; for files, use a mapping")
    elif isinstance(source, str | Path):
        files = [Path(source)]
    elif isinstance(source, Sequence) and all(isinstance(file, str | Path) for file in source):
        files = [Path(file) for file in source]
    else:
        kind = type(source).__name__
        raise InvalidParameter(
            f"orders must be a frame, a file or several files, not {kind} (collect a lazy frame first)"
        )
    try:
        imported = import_orders(chosen, files, format_name, live=live, as_of=as_of, report=silent, choices=choices)
    except InputError as error:
        if not is_frame(source):
            raise
        raise _of_frame(error, files[0]) from None
    if quarantined := sum(imported.quarantined.values()):
        message = f"{quarantined:,} rows were not imported; Orders.quarantine() returns them with the reasons"
        warnings.warn(message, NotImported, stacklevel=3)
    return Orders(open_store_at(chosen.store, chosen.store_options), chosen, folder)


def _of_frame(error: InputError, file: Path) -> InputError:
    """An error about a frame, which the import knows as a file."""
    message = error.message.replace(str(file), "the frame")
    if isinstance(error, UnknownFormat):
        message = f"{message.partition(';')[0]}: say which is which by customer=, date= and amount="
    return type(error)(message, [line.replace(str(file), "the frame") for line in error.details])


def load_cdnow(*, sample: bool = False, **settings: Any) -> Orders:
    """The orders of CDNOW, an online music shop, from January 1997 to June 1998; they ship with lifetimes.

    Args:
        sample: load only the tenth of the customers that the papers use, 2,357 of 23,570.
        settings: any setting by name.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     cdnow.info.orders, cdnow.info.currency
    (6919, 'USD')
    """
    if not sample:
        return load_orders(cdnow_path(), **settings)
    with TemporaryDirectory(prefix="customer-revenue-") as folder:
        return load_orders(write_cdnow_sample(Path(folder) / "cdnow.txt"), **settings)
