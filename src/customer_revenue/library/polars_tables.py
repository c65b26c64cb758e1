"""The frames of orders as frames of Polars, which is imported only when somebody asks for them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pyarrow as pa

from customer_revenue.errors import InvalidParameter
from customer_revenue.library.arrow_tables import ArrowTables
from customer_revenue.library.frame_columns import DayLike

if TYPE_CHECKING:
    import polars as pl


class PolarsTables:
    """The frames of :class:`~customer_revenue.library.orders.Orders` as frames of Polars.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     cdnow.polars.features("1997-09-30")["frequency"].max()
    29
    """

    def __init__(self, tables: ArrowTables) -> None:
        self._tables = tables

    def facts(self, as_of: DayLike | None = None, period: str = "all_time") -> pl.DataFrame:
        """``Orders.facts`` as a frame of Polars.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     cdnow.polars.facts("1997-12-31").height
        2357
        """
        return self._frame(self._tables.facts(as_of, period))

    def features(self, as_of: DayLike | None = None) -> pl.DataFrame:
        """``Orders.features`` as a frame of Polars.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     cdnow.polars.features("1997-09-30").height
        2357
        """
        return self._frame(self._tables.features(as_of))

    def rfm(self, as_of: DayLike | None = None) -> pl.DataFrame:
        """``Orders.rfm`` as a frame of Polars.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     cdnow.polars.rfm("1997-09-30").height
        2357
        """
        return self._frame(self._tables.rfm(as_of))

    def outcomes(self, cutoff: DayLike, horizon_days: int) -> pl.DataFrame:
        """``Orders.outcomes`` as a frame of Polars.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     cdnow.polars.outcomes("1997-09-30", 90).columns
        ['customer_id', 'purchases', 'revenue_cents', 'days_to_next_purchase']
        """
        return self._frame(self._tables.outcomes(cutoff, horizon_days))

    def first_orders(self, as_of: DayLike | None = None) -> pl.DataFrame:
        """``Orders.first_orders`` as a frame of Polars.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     cdnow.polars.first_orders("1997-01-31").height
        781
        """
        return self._frame(self._tables.first_orders(as_of))

    def table(self, name: str) -> pl.DataFrame:
        """``Orders.table`` as a frame of Polars.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     cdnow.polars.table("order_items").height
        6919
        """
        return self._frame(self._tables.table(name))

    def _frame(self, table: pa.Table) -> pl.DataFrame:
        try:
            polars = import_module("polars")
        except ModuleNotFoundError:
            raise InvalidParameter("Polars is not installed: pip install polars, or take orders.arrow") from None
        frame: pl.DataFrame = polars.from_arrow(table)
        return frame
