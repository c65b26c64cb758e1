"""The two real data sets, compared with computations that share no code with the import."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from customer_revenue.orders.files.columns.conventions import ColumnChoices, DateOrder
from customer_revenue.orders.files.samples import cdnow_path
from customer_revenue.periods import Clock

if TYPE_CHECKING:
    from tests.orders.conftest import Shop


def test_cdnow_is_imported_whole(shop: Shop) -> None:
    summary = shop.files(cdnow_path())
    assert (summary.formats, summary.currency, summary.clock) == (("cdnow",), "USD", Clock.HISTORICAL)
    assert (summary.first_day, summary.last_day) == (dt.date(1997, 1, 1), dt.date(1998, 6, 30))
    assert (summary.customers_in_store, summary.quarantined) == (23_570, {})
    expected = pd.read_csv(cdnow_path(), sep=r"\s+", dtype={"customer_id": str, "date": str, "dollar_value": str})
    cents = expected["dollar_value"].str.replace(".", "", regex=False).astype(int)
    assert summary.orders_in_store == len(expected) == 69_659
    assert shop.query("SELECT sum(total_cents), count(DISTINCT id) FROM orders") == [(cents.sum(), len(expected))]
    days = pd.DataFrame(shop.query("SELECT user_id, strftime(created_at, '%Y%m%d') FROM orders"), columns=["u", "d"])
    assert sorted(days.itertuples(index=False, name=None)) == sorted(
        expected[["customer_id", "date"]].itertuples(index=False, name=None)
    )
    assert shop.query("SELECT sum(quantity) FROM order_items") == [(expected["number_of_cds"].sum(),)]


def test_online_retail_loses_nothing(shop: Shop, online_retail: Path) -> None:
    summary = shop.files(online_retail)
    lines = pd.read_parquet(online_retail)
    assert summary.lines == len(lines) == 541_909
    amount = lines["Quantity"] * lines["UnitPrice"]
    # Half away from zero. No other product of a quantity and a price in the file is near half a cent.
    cents = (np.sign(amount) * np.floor(amount.abs() * 100 + 0.5 + 1e-9)).astype("int64")
    known = lines["CustomerID"].notna()
    cancelled = lines["InvoiceNo"].str.startswith("C")
    sold = lines.assign(cents=cents)[~cancelled & (amount > 0)]
    returned = lines.assign(cents=cents)[known & cancelled & (amount < 0)]

    orders = sold.groupby("InvoiceNo").agg(u=("CustomerID", "first"), c=("cents", "sum"), t=("InvoiceDate", "min"))
    refunds = returned.groupby("InvoiceNo").agg(u=("CustomerID", "first"), c=("cents", "sum"), t=("InvoiceDate", "min"))
    assert shop.query("SELECT id, user_id, total_cents, created_at FROM orders ORDER BY id") == [
        (i, None if pd.isna(u) else str(int(u)), c, t.to_pydatetime())
        for i, u, c, t in orders.sort_index().itertuples(name=None)
    ]
    assert shop.query("SELECT id, user_id, amount_cents, created_at, order_id FROM refunds ORDER BY id") == [
        (i, str(int(u)), -c, t.to_pydatetime(), None) for i, u, c, t in refunds.sort_index().itertuples(name=None)
    ]
    assert summary.items_in_store == len(sold)
    assert shop.query("SELECT sum(amount_cents), sum(quantity) FROM order_items") == [
        (sold["cents"].sum(), sold["Quantity"].sum())
    ]
    assert summary.quarantined == {
        "missing_customer": int((~known & cancelled).sum()),
        "no_amount": int((known | ~cancelled).sum()) - len(sold) - len(returned),
    }
    assert len(sold) + len(returned) + sum(summary.quarantined.values()) == len(lines)
    assert (summary.currency, summary.clock, summary.last_day) == ("GBP", Clock.HISTORICAL, dt.date(2011, 12, 9))


def test_online_retail_as_csv_is_the_same(shop: Shop, online_retail: Path, tmp_path: Path) -> None:
    """In its most common form: American dates, and customer ids with a decimal point."""
    lines = pq.read_table(online_retail).to_pandas().head(20_000)
    path = tmp_path / "retail.csv"
    lines.assign(
        InvoiceDate=lines["InvoiceDate"].dt.strftime("%m/%d/%Y %H:%M"), CustomerID=lines["CustomerID"].astype(float)
    ).to_csv(path, index=False, encoding="cp1252")
    parquet = tmp_path / "retail.parquet"
    lines.to_parquet(parquet)
    shop.files(path, choices=ColumnChoices(dates=DateOrder.MONTH_FIRST))
    again = shop.files(parquet)
    assert (again.orders_imported, again.orders_updated, again.refunds_imported) == (0, 0, 0)


def test_cdnow_twice_changes_nothing(shop: Shop) -> None:
    shop.files(cdnow_path())
    assert shop.files(cdnow_path()).orders_unchanged == 69_659
