"""A shop's own tables on an engine, checked when the database is opened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from customer_revenue.orders.expressions import with_day
from customer_revenue.orders.mapping import MappedShop, ShopMapping, describe_shop, mapped_tables
from customer_revenue.orders.shop_checks import DOUBLED, doubled_rows
from customer_revenue.orders.store_info import SCHEMA_VERSION, day_of
from customer_revenue.periods import guess_clock
from customer_revenue.settings import StoreOptions
from customer_revenue.tables import DEFAULT_CURRENCY, Canonical

if TYPE_CHECKING:
    import ibis.expr.datatypes as dtypes
    import ibis.expr.types as ir


class ShopTables:
    """A shop's own tables, their store info, and what is left out of them."""

    def __init__(
        self,
        mapping: ShopMapping,
        options: StoreOptions,
        column_types: Callable[[str], Mapping[str, dtypes.DataType]],
        one_row: Callable[[ir.Table], dict[str, Any]],
        *,
        exact: Callable[[ir.StringValue], ir.StringValue] = lambda text: text,
        ids_are_unique: bool = False,
        catalog: str | None = None,
    ) -> None:
        """Check the tables and compute the store info.

        Args:
            mapping: names the tables and columns.
            options: the reporting zone and the currency.
            column_types: returns the Ibis type of each column of a table.
            one_row: runs an aggregate.
            exact: makes a shop's own string compare character by character.
            ids_are_unique: whether the database guarantees that no order id occurs twice.
            catalog: name of the attached database, on engines that have them.

        Raises:
            InvalidParameter: a table or column is not in the database.
        """
        self._mapping, self._exact, self._catalog = mapping, exact, catalog
        self._currency = options.currency or DEFAULT_CURRENCY
        self._types: dict[str, Mapping[str, dtypes.DataType]] = {
            name: column_types(columns["table"]) for name, columns in mapping.tables.items()
        }
        shop = self._mapped(options.timezone, has_doubled=False)
        if not ids_are_unique and one_row(doubled_rows(shop.orders))["n"]:
            shop = self._mapped(options.timezone, has_doubled=True)
        described, self.findings = describe_shop(shop, one_row)
        last_day = day_of(described["last_created_at"], options.timezone)
        today = dt.datetime.now(options.zone).date()
        self.info: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "currency": self._currency,
            "timezone": options.timezone,
            "clock": guess_clock(last_day or today, today, sample=False),
            "clock_is_chosen": False,
            "as_of": None,
            "formats": "",
            **described,
        }

    def tables(self, zone: str) -> Canonical:
        """The canonical tables, with days in the zone."""
        return self._mapped(zone, has_doubled=self._has_doubled).tables

    def complete_table(self, name: str, zone: str) -> ir.Table:
        """One of the tables with its optional columns."""
        return with_day(self._mapped(zone, has_doubled=self._has_doubled, optional=True).complete[name], zone)

    @property
    def _has_doubled(self) -> bool:
        return any(found.reason == DOUBLED for found in self.findings)

    def _mapped(self, zone: str, *, has_doubled: bool, optional: bool = False) -> MappedShop:
        return mapped_tables(
            self._mapping,
            zone,
            self._types,
            self._exact,
            self._currency,
            has_doubled=has_doubled,
            catalog=self._catalog,
            optional=optional,
        )
