"""A shop's own tables in a DuckDB file, read by a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from customer_revenue import lazy_ibis as ibis
from customer_revenue.orders.engines.duckdb.engine import ATTACHED, DuckDBEngine
from customer_revenue.orders.engines.duckdb.upgrade import is_older, upgrade_if_older
from customer_revenue.orders.engines.shop_tables import ShopTables
from customer_revenue.orders.engines.urls import path_of
from customer_revenue.orders.expressions import OWN_TABLES
from customer_revenue.orders.mapping import ShopMapping
from customer_revenue.orders.shop_checks import ShopFinding
from customer_revenue.settings import StoreOptions
from customer_revenue.tables import Canonical

if TYPE_CHECKING:
    import ibis.expr.types as ir


class DuckDBShopEngine(DuckDBEngine):
    """A snapshot of a shop's own DuckDB file, taken on opening. ``Engine`` documents the methods."""

    has_own_tables = False

    def __init__(self, path: Path, options: StoreOptions, mapping: ShopMapping) -> None:
        self._options, self._mapping = options, mapping
        super().__init__(path, options)

    @override
    def tables(self, zone: str) -> Canonical:
        return self._shop.tables(zone)

    @override
    def complete_table(self, name: str, zone: str) -> ir.Table:
        return self._shop.complete_table(name, zone)

    @property
    @override
    def findings(self) -> tuple[ShopFinding, ...]:
        return self._shop.findings

    @override
    def own_table(self, name: str) -> ir.Table:
        return ibis.memtable(ibis.schema(OWN_TABLES[name]).to_pyarrow().empty_table())

    @override
    def _load_info(self) -> Mapping[str, Any]:
        self._shop = ShopTables(self._mapping, self._options, self._column_types, self.one_row, catalog=ATTACHED)
        return self._shop.info


def duckdb_engine(url: str, options: StoreOptions, mapping: ShopMapping) -> DuckDBEngine:
    """Open the file that a URL names: a shop's own, or a store of ours, which is upgraded first if it is older."""
    path = path_of(url)
    if mapping.tables:
        return DuckDBShopEngine(path, options, mapping)
    engine = DuckDBEngine(path, options)
    if not is_older(engine.info()):
        return engine
    engine.close()
    upgrade_if_older(path)
    return DuckDBEngine(path, options)
