"""What the engines of all database servers share: the choice between our tables and a shop's, and the store info."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.datatypes as dtypes
import ibis.expr.types as ir
from ibis.backends.sql.datatypes import DuckDBType
from typing_extensions import override

from customer_revenue.errors import StoreNotFound
from customer_revenue.orders.engines.base_engine import Engine, Statement
from customer_revenue.orders.engines.shop_tables import ShopTables
from customer_revenue.orders.expressions import OWN_TABLES, canonical_tables, complete_table
from customer_revenue.orders.mapping import ShopMapping
from customer_revenue.orders.shop_checks import ShopFinding
from customer_revenue.orders.store_info import INFO_COLUMNS, check_version
from customer_revenue.settings import StoreOptions
from customer_revenue.tables import Canonical

INFO_SCHEMA = ibis.schema({name: DuckDBType.from_string(sql_type) for name, sql_type in INFO_COLUMNS.items()})

MAX_CONNECTIONS = 8
WAIT_SECONDS = 3.0
"""Maximum wait of a query for a free connection, and of a connection for the server."""
STATEMENT_SECONDS = 600
"""Maximum duration of a statement of an import."""


class ServerEngine(Engine):
    """A store on a database server: our tables, or a shop's own by a mapping. ``Engine`` documents the methods.

    Only our commands change our tables, and each updates ``store_info``. Subclasses connect in their constructor, then
    call this one.
    """

    def __init__(self, display_url: str, options: StoreOptions, mapping: ShopMapping) -> None:
        self._display_url = display_url
        self._mapping = mapping
        try:
            self._shop = self._shop_tables(options) if mapping.tables else None
            self._info = self._stored_info() if self._shop is None else self._shop.info
            self._version = self._change_marker()
        except BaseException:
            self.close()
            raise

    @property
    @override
    def reports_changes(self) -> bool:
        return not self._mapping.tables

    @override
    def tables(self, zone: str) -> Canonical:
        return canonical_tables(zone) if self._shop is None else self._shop.tables(zone)

    @override
    def complete_table(self, name: str, zone: str) -> ir.Table:
        if self._shop is not None:
            return self._shop.complete_table(name, zone)
        return complete_table(name, self._column_types(name), zone)

    @override
    def info(self) -> Mapping[str, Any]:
        return self._info

    @override
    def own_table(self, name: str) -> ir.Table:
        schema = ibis.schema(OWN_TABLES[name])
        there = {} if self._mapping.tables else self._column_types(name)
        if not there:
            return ibis.memtable(schema.to_pyarrow().empty_table())
        # A store of an older version may lack some, until the next import upgrades it.
        found = ibis.table({column: dtype for column, dtype in schema.items() if column in there}, name=name)
        missing = {column: ibis.null(dtype) for column, dtype in schema.items() if column not in there}
        return found.mutate(**missing).select(*schema) if missing else found

    @override
    def rows(self, statement: Statement, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        # Through Arrow, since servers return decimals for sums that the schema declares as integers.
        table = self.run(statement, values)
        return list(zip(*(column.to_pylist() for column in table.columns), strict=True))

    @override
    def changed(self) -> bool:
        return self._change_marker() != self._version

    def _exact_text(self, text: ir.StringValue) -> ir.StringValue:
        """Make a shop's own text compare character by character. Most servers do so already."""
        return text

    @property
    @override
    def findings(self) -> tuple[ShopFinding, ...]:
        return () if self._shop is None else self._shop.findings

    def _ids_are_unique(self, table: str, column: str) -> bool:  # noqa: ARG002  # for servers that know
        """Return whether the server guarantees that a column has no value twice."""
        return False

    @abstractmethod
    def _has_store(self) -> bool:
        """Return whether the table ``store_info`` exists."""

    @abstractmethod
    def _column_types(self, table: str) -> Mapping[str, dtypes.DataType]:
        """Return the Ibis type of each column of a table, empty if there is no such table."""

    @abstractmethod
    def _shop_change_marker(self, tables: list[str]) -> object:
        """Return a value that changes whenever a shop's own tables do."""

    def _change_marker(self) -> object:
        if self._mapping.tables:
            return self._shop_change_marker([columns["table"] for columns in self._mapping.tables.values()])
        info = ibis.table(INFO_SCHEMA, name="store_info")
        return self.rows(self.compile(info), {})

    def _stored_info(self) -> dict[str, Any]:
        rows = self.run(self.compile(ibis.table(INFO_SCHEMA, name="store_info")), {}) if self._has_store() else None
        if rows is None or not rows.num_rows:
            command = f"customer-revenue import FILE --store {self._display_url}"
            raise StoreNotFound(f"no store at {self._display_url}: create one with '{command}'")
        info: dict[str, Any] = rows.to_pylist()[0] if rows.num_rows == 1 else {}
        check_version(info, self._display_url)
        return info

    def _shop_tables(self, options: StoreOptions) -> ShopTables:
        columns = self._mapping.tables["orders"]
        return ShopTables(
            self._mapping,
            options,
            self._column_types,
            self.one_row,
            exact=self._exact_text,
            ids_are_unique=self._ids_are_unique(columns["table"], columns["id"]),
        )
