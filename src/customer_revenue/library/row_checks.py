"""Rows of customers, checked before a model sees them: what is wrong, whose rows, and what to do about it."""

from __future__ import annotations

import math
import numbers

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from customer_revenue.arrays import Floats
from customer_revenue.errors import InvalidParameter
from customer_revenue.library.frame_columns import Rows, as_table
from customer_revenue.modeling.purchase_histories import HISTORY_COLUMNS, column

SPEND_COLUMNS = ("spend_days", "monetary_cents")
REMEDY = "Orders.rfm and Orders.features make such rows of orders, and load_orders takes a log of them"
MAX_IDS_SHOWN = 5


def checked_rows(rows: Rows) -> pa.Table:
    """Rows as a table with our column names, whose histories and spends are numbers that can be.

    Raises:
        InvalidParameter: a column is missing, is not of numbers or has gaps, or a history or a spend is impossible.
    """
    table = as_table(rows)
    needed = HISTORY_COLUMNS[:3]
    if missing := [name for name in needed if name not in table.column_names]:
        raise InvalidParameter(f"the rows have no column {', '.join(missing)}; {REMEDY}", list(needed))
    optional = [name for name in (*HISTORY_COLUMNS[3:], *SPEND_COLUMNS) if name in table.column_names]
    for name in (*needed, *optional):
        table = _as_numbers(table, name)
    for name in needed:
        _refuse(table, ~np.isfinite(column(table, name)), f"have no finite {name}: leave them out, or fill it in")
    x, t_x, age = (column(table, name) for name in needed)
    impossible = (x < 0) | (t_x < 0) | (t_x > age) | ((x > 0) != (t_x > 0))
    _refuse(
        table, impossible, "have impossible histories: recency lies between 0 and T, and is 0 exactly for no repeats"
    )
    return _with_checked_spend(table) if set(SPEND_COLUMNS) <= set(table.column_names) else table


def _with_checked_spend(table: pa.Table) -> pa.Table:
    days, spend = (column(table, name) for name in SPEND_COLUMNS)
    unknown = ~np.isfinite(spend)
    _refuse(table, unknown & (days > 0), "have purchase days without a spend: fill it in, or leave the column out")
    _refuse(table, spend < 0, "have a spend below zero: it is what they paid, before refunds")
    place = table.column_names.index("monetary_cents")
    return table.set_column(place, "monetary_cents", pa.array(np.where(unknown, 0.0, spend)))


def _as_numbers(table: pa.Table, name: str) -> pa.Table:
    kind = table.schema.field(name).type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        what = "times" if pa.types.is_temporal(kind) else f"of type {kind}"
        raise InvalidParameter(f"{name} must be numbers, and is {what}: convert the column first")
    place = table.column_names.index(name)
    return table.set_column(place, name, table.column(name).cast(pa.float64()))


def _refuse(table: pa.Table, wrong: npt.NDArray[np.bool_], what: str) -> None:
    if not wrong.any():
        return
    places = np.flatnonzero(wrong)
    shown = ", ".join(str(table.column("customer_id")[int(i)].as_py())[:40] for i in places[:MAX_IDS_SHOWN])
    more = ", …" if len(places) > MAX_IDS_SHOWN else ""
    raise InvalidParameter(f"{len(places):,} of {table.num_rows:,} customers ({shown}{more}) {what}")


def checked_horizon(days: object, name: str = "horizon_days") -> float:
    """A horizon: a number of days that is 0 or more.

    Raises:
        InvalidParameter: it is negative, infinite or not a number.
    """
    if not isinstance(days, numbers.Real) or not math.isfinite(days) or days < 0:
        raise InvalidParameter(f"{name} must be a number of days, 0 or more, not {str(days)[:40]}")
    return float(days)


def checked_horizons(days: Floats | list[float], name: str = "days") -> Floats:
    """Several horizons.

    Raises:
        InvalidParameter: one is negative, infinite or not a number.
    """
    return np.array([checked_horizon(day, name) for day in np.asarray(days).ravel().tolist()], dtype=np.float64)
