from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from customer_revenue.orders.importing import ImportSummary, import_files
from customer_revenue.orders.store import Store, open_store
from customer_revenue.settings import Settings

HEADER = "order_id,user_id,created_at,total,status"


class Shop:
    """A store in a folder of its own, and files to import into it."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.path = folder / "orders.duckdb"
        self.url = f"duckdb:///{self.path}"
        self.settings = Settings(_env_file=None, store=self.url, **settings)
        self._files = 0

    def file(self, *lines: str, name: str = "", header: str | None = HEADER) -> Path:
        self._files += 1
        path = self.folder / (name or f"file_{self._files}.csv")
        text = [*([header] if header is not None else []), *lines]
        path.write_text("\n".join(text) + "\n", encoding="utf-8", newline="")
        return path

    def load(self, *lines: str, header: str = HEADER, **options: Any) -> ImportSummary:
        return self.files(self.file(*lines, header=header), **options)

    def files(self, *paths: Path, **options: Any) -> ImportSummary:
        return import_files(paths, self.settings, **options)

    def open(self) -> Store:
        return open_store(self.url, self.settings)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """What any other DuckDB client sees."""
        with duckdb.connect(str(self.path), read_only=True) as con:
            return con.execute(sql).fetchall()

    def column(self, sql: str) -> list[Any]:
        return [row[0] for row in self.query(sql)]

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        tables = ("orders", "order_items", "refunds", "users", "quarantine", "store_info")
        return {table: sorted(self.query(f"FROM {table}"), key=repr) for table in tables}

    def leftovers(self, allowed: Sequence[str] = (".csv", ".txt", ".parquet", ".png")) -> list[str]:
        names = {path.name for path in self.folder.iterdir() if path.suffix not in allowed}
        return sorted(names - {self.path.name, f".{self.path.name}.lock"})


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.delenv("CUSTOMER_REVENUE_CURRENCY", raising=False)
    return Shop(tmp_path)


@pytest.fixture
def make_shop(tmp_path: Path) -> Callable[..., Shop]:
    def make(name: str = "shop", **settings: Any) -> Shop:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        return Shop(folder, **settings)

    return make
