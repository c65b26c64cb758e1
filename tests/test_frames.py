"""Frames of orders: of any library, with any names, by the rules of a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import customer_revenue as cr
from customer_revenue.errors import InputError, InvalidParameter, UndecidedColumn

ROWS: dict[str, list[Any]] = {
    "Buyer": ["ann", "ann", "bob", None],
    "When": ["2024-05-01 10:00", "2024-05-01 10:00", "2024-05-02", "2024-05-03"],
    "Net": ["1,234.50", "5.00", "7.25", "1.00"],
    "Number": ["1", "2", "3", "4"],
    "channel": ["web", None, "till", "till"],
    "amount": [0, 0, 0, 0],
}


class Capsule:
    """A frame that has nothing but Arrow's PyCapsule interface, with the strings of Polars."""

    def __init__(self, rows: dict[str, list[Any]]) -> None:
        table = pa.table(rows)
        views = [pa.field(f.name, pa.string_view() if f.type == pa.string() else f.type) for f in table.schema]
        self._table = table.cast(pa.schema(views))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("make", [pd.DataFrame, pa.table, Capsule, pl.DataFrame])
def test_any_frame_with_names_of_its_own(make: Callable[[dict[str, list[Any]]], Any]) -> None:
    with cr.load_orders(make(ROWS), customer="Buyer", date="When", amount="Net", order="Number") as orders:
        table = orders.arrow.table("orders").sort_by("id")
    assert table.column("user_id").to_pylist() == ["ann", "ann", "bob", None]
    assert table.column("total_cents").to_pylist() == [123450, 500, 725, 100]
    assert table.column("channel").to_pylist() == ["web", None, "till", "till"]


def test_types_are_kept() -> None:
    typed = pd.DataFrame(
        {
            "who": pd.Categorical(["7", "7"]),
            "at": pd.to_datetime(["2024-05-01T23:30Z", "2024-05-03T00:00Z"]),
            "paid": [10.105, 2.0],
        }
    ).set_index("who")
    with cr.load_orders(typed, customer="who", date="at", amount="paid", timezone="Europe/Paris") as orders:
        days = orders.purchase_days("7")
    assert days["day"].dt.day.tolist() == [2, 3]
    assert days["total_cents"].tolist() == [1011, 200]


def test_without_an_amount_purchases_count() -> None:
    log = pd.DataFrame({"who": ["ann", "ann"], "at": ["2024-05-01", "2024-05-09"], "mood": ["good", "bad"]})
    with cr.load_orders(log, customer="who", date="at") as orders:
        assert orders.features()["frequency"].tolist() == [1]
        assert orders.table("orders")["total_cents"].tolist() == [0, 0]


def test_what_a_column_leaves_open_is_refused_and_can_be_chosen() -> None:
    log = pd.DataFrame({"who": ["ann", "bob"], "at": ["01/02/2024", "03/04/2024"], "paid": ["1.250", "2.500"]})
    with pytest.raises(UndecidedColumn, match="decimal"):
        cr.load_orders(log, customer="who", date="at", amount="paid", dates="day-first")
    with pytest.raises(UndecidedColumn, match="day-first"):
        cr.load_orders(log, customer="who", date="at", amount="paid", decimal="comma")
    with cr.load_orders(log, customer="who", date="at", amount="paid", dates="day-first", decimal="comma") as orders:
        assert orders.table("orders")["total_cents"].tolist() == [125000, 250000]
        assert orders.table("orders")["created_at"].dt.month.tolist() == [2, 4]


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (pd.DataFrame(ROWS), {"customer": "buyer", "date": "When"}, "no column 'buyer'.*did you mean 'Buyer'"),
        (pd.DataFrame(ROWS), {"customer": "Buyer", "date": "When", "dates": "dayfirst"}, "dates: 'dayfirst' is none"),
        (pd.DataFrame({"a": [1, "x"], "b": 1}), {}, "cannot be read"),
        (7, {}, "not int"),
        ("orders.csv", {"customer": "x"}, "use a mapping"),
    ],
)
def test_what_is_no_frame_of_orders(source: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidParameter, match=message) as caught:
        cr.load_orders(source, **options)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"x": [1], "y": [2]}), r"the frame has columns of no known format \(x, y\): .*customer=, date="),
        (pd.DataFrame({"id": [], "date": [], "amount": []}), "the frame has a header but no rows"),
    ],
)
def test_an_error_is_about_the_frame_and_names_no_file(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        cr.load_orders(frame)
    assert "parquet" not in caught.value.message
    assert "\n" not in caught.value.message
