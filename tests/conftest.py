"""Fixtures that several test modules share."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pyarrow.parquet as pq
import pytest
from anyio.from_thread import start_blocking_portal

from customer_revenue.orders.files.simulate import simulate_orders
from tests.forked import command, make_tracking_store
from tests.servers import mysql_server, postgres_server, server_of  # noqa: F401  # fixtures
from tests.shared import made_once
from tests.spark import spark_session  # noqa: F401  # a fixture

P = ParamSpec("P")
T = TypeVar("T")

TEST_DATA = "CUSTOMER_REVENUE_TEST_DATA"


@pytest.fixture(scope="session")
def online_retail() -> Path:
    """The UCI Online Retail file, where ``CUSTOMER_REVENUE_TEST_DATA`` names a folder that holds it."""
    path = Path(os.environ.get(TEST_DATA, "")) / "online_retail.parquet"
    if not (os.environ.get(TEST_DATA) and path.is_file()):
        pytest.skip(f"{TEST_DATA} names no folder with online_retail.parquet")
    return path


EXAMPLE_ORDERS = """\
order_id,user_id,created_at,total_cents,status,product_id,product_name,quantity,amount_cents,user_name,user_email,refund_cents
e0,user_123,2023-01-15T09:00:00Z,10000,paid,premium_plan,Premium Monthly,1,10000,John Doe,john@example.com,
e1,user_123,2023-01-28T23:59:59Z,5000,paid,premium_plan,Premium Monthly,1,5000,John Doe,john@example.com,
e2,user_123,2023-03-05T00:00:00Z,25000,paid,premium_plan,Premium Monthly,1,25000,John Doe,john@example.com,2500
e3,user_123,2023-04-20T12:00:00Z,10000,paid,addon_storage,Extra Storage,1,10000,John Doe,john@example.com,
e4,user_123,2023-05-11T12:00:00Z,5000,paid,premium_plan,Premium Monthly,1,5000,John Doe,john@example.com,
e5,user_123,2023-06-11T12:00:00Z,5000,paid,premium_plan,Premium Monthly,1,5000,John Doe,john@example.com,
e6,user_123,2023-08-01T12:00:00Z,10000,paid,addon_storage,Extra Storage,1,10000,John Doe,john@example.com,
e7,user_123,2023-08-01T12:00:00Z,10000,paid,addon_storage,Extra Storage,1,10000,John Doe,john@example.com,
e8,user_123,2023-10-10T12:00:00Z,10000,paid,premium_plan,Premium Monthly,1,10000,John Doe,john@example.com,
e9,user_123,2023-12-10T18:30:00Z,35000,paid,,,,,John Doe,john@example.com,
"""
"""Orders that add up to the example customer of the specification."""

SIMULATED_CUSTOMERS = 800
SIMULATED_DAYS = 348  # from 2023-01-01 to 2023-12-15, the example's moment


@dataclass(frozen=True)
class Shop:
    """A store and its models in a folder of their own, and the commands run there as a user would."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, *words: str, status: int = 0) -> str:
        """Run ``customer-revenue``; its standard output, and the standard error too where it is to fail."""
        ended, out, err = command(words, self.folder, self.environment)
        assert ended == status, f"{words} ended with {ended}: {out}\n{err}"
        assert "Traceback" not in err
        return out + err if status else out

    def show(self, user_id: str, *options: str) -> dict[str, Any]:
        """The answer of ``customer-revenue show``."""
        answer: dict[str, Any] = json.loads(self.run("show", user_id, *options))
        return answer


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def awaited(function: Callable[P, Awaitable[T]], *args: P.args, **named: P.kwargs) -> T:
    """What an asynchronous function returns, run in a thread of its own: a browser keeps a loop running in this one."""
    with start_blocking_portal() as portal:
        return portal.call(partial(function, *args, **named))


def empty_shop(folder: Path) -> Shop:
    """A folder with nothing in it yet."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("CUSTOMER_REVENUE", "MLFLOW"))}
    return Shop(folder, own)


@pytest.fixture(scope="session")
def tracking_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of MLflow without runs, to be copied to where a training would make its own."""
    return (
        made_once(tmp_path_factory, "tracking", lambda folder: make_tracking_store(folder / "mlflow.db")) / "mlflow.db"
    )


@pytest.fixture
def new_shop(tmp_path: Path) -> Shop:
    """A shop of the test's own, empty."""
    return empty_shop(tmp_path)


@pytest.fixture(scope="session")
def trained_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The specification's example customer among simulated ones, imported and trained. Not to be changed."""

    def train(folder: Path) -> None:
        shop = empty_shop(folder)
        (folder / "example.csv").write_text(EXAMPLE_ORDERS)
        others = simulate_orders(SIMULATED_CUSTOMERS, SIMULATED_DAYS, seed=7)
        pq.write_table(others, folder / "others.parquet")
        shop.run("import", "example.csv", "others.parquet", "--as-of", "2023-12-15")
        shop.run("train")
        written = [str(path.relative_to(folder)) for path in folder.rglob("*")]
        _list_of_written(folder).write_text(json.dumps(written))

    return empty_shop(made_once(tmp_path_factory, "shop", train))


def as_trained(shop: Shop) -> list[Path]:
    """The files and folders of the trained shop when it had been trained: services write more."""
    return sorted(shop.folder / name for name in json.loads(_list_of_written(shop.folder).read_text()))


def _list_of_written(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.written.json")
