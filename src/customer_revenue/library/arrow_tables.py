"""The frames of orders as Arrow tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pyarrow as pa

from customer_revenue.errors import InvalidParameter
from customer_revenue.features.first_orders import first_orders
from customer_revenue.features.rfm import rfm_features
from customer_revenue.library.frame_columns import DayLike, as_day
from customer_revenue.orders.store import Store
from customer_revenue.periods import Period
from customer_revenue.policy import load_policy
from customer_revenue.revenue.profit import own_profits
from customer_revenue.revenue.summary import summary
from customer_revenue.settings import Settings
from customer_revenue.tables import as_of_literal, day_literal
from customer_revenue.workflows.customer_base.profits import with_profits
from customer_revenue.workflows.feature_rows import feature_rows, label_rows
from customer_revenue.workflows.known_tables import first_day_of, known_at


class ArrowTables:
    """The frames of :class:`~customer_revenue.library.orders.Orders` as Arrow tables, without a copy in pandas.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     cdnow.arrow.features("1997-09-30").column("frequency").to_numpy().max()
    np.int64(29)
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings

    def facts(self, as_of: DayLike | None = None, period: str = "all_time") -> pa.Table:
        """:meth:`Orders.facts` as an Arrow table.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     cdnow.arrow.facts("1997-12-31").num_rows
        2357
        """
        when = self._store.as_of(as_day(as_of))
        if period not in list(Period):
            raise InvalidParameter(f"period is one of {', '.join(Period)}, not {str(period)[:40]!r}", list(Period))
        first, policy = first_day_of(Period(period), when), load_policy(self._settings.policy)
        known, lines = known_at(self._store, when), self._store.table("order_items")
        facts = self._store.fetch(summary(known, first, day_literal(when.day), policy).order_by("customer_id"))
        return with_profits(facts, self._store.fetch(own_profits(known, lines, policy.margin, first)))

    def features(self, as_of: DayLike | None = None, covariates: Sequence[str] = ()) -> pa.Table:
        """:meth:`Orders.features` as an Arrow table, with columns of :meth:`first_orders` if any are named.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     cdnow.arrow.features("1997-09-30").num_rows
        2357
        """
        return feature_rows(self._store, self._store.as_of(as_day(as_of)), covariates=covariates)

    def rfm(self, as_of: DayLike | None = None) -> pa.Table:
        """:meth:`Orders.rfm` as an Arrow table.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     cdnow.arrow.rfm("1997-09-30").num_rows
        2357
        """
        day = self._store.as_of(as_day(as_of)).day
        return self._store.fetch(rfm_features(self._store.tables.orders, day)).sort_by("customer_id")

    def outcomes(self, cutoff: DayLike, horizon_days: int) -> pa.Table:
        """:meth:`Orders.outcomes` as an Arrow table.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     cdnow.arrow.outcomes("1997-09-30", 90).column_names
        ['customer_id', 'purchases', 'revenue_cents', 'days_to_next_purchase']
        """
        day, last = as_day(cutoff), self._store.as_of().day
        assert day is not None, "a cut-off is a day"
        if day + dt.timedelta(days=horizon_days) > last:
            raise InvalidParameter(f"the {horizon_days} days after {day} are not over: the store's as-of day is {last}")
        customers = self.features(day).column("customer_id")
        table = label_rows(self._store, day, [horizon_days], customers)
        return table.rename_columns([name.removesuffix(f"_{horizon_days}") for name in table.column_names])

    def first_orders(self, as_of: DayLike | None = None) -> pa.Table:
        """:meth:`Orders.first_orders` as an Arrow table.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     cdnow.arrow.first_orders("1997-01-31").num_rows
        781
        """
        when, orders = self._store.as_of(as_day(as_of)), self._store.table("orders")
        known = orders.filter(orders.created_at <= as_of_literal(when.moment))
        return self._store.fetch(first_orders(known, self._store.table("order_items"))).sort_by("customer_id")

    def table(self, name: str) -> pa.Table:
        """:meth:`Orders.table` as an Arrow table.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     cdnow.arrow.table("order_items").num_rows
        6919
        """
        table = self._store.table(name)
        return self._store.fetch(table.order_by(*table.columns[:2]))
