"""Orders opened for reading: facts, features and outcomes as frames, as of any day."""

from __future__ import annotations

import shutil
import weakref
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import ibis
import ibis.expr.types as ir
import pandas as pd

from customer_revenue.choices import ProfitBy
from customer_revenue.errors import InvalidParameter
from customer_revenue.features.daily import daily
from customer_revenue.features.rfm import purchase_days
from customer_revenue.library.arrow_tables import ArrowTables
from customer_revenue.library.frame_columns import DayLike, as_day, as_frame
from customer_revenue.library.html import as_html
from customer_revenue.library.polars_tables import PolarsTables
from customer_revenue.orders.store import Store, StoreInfo
from customer_revenue.orders.store import open_store as open_store_at
from customer_revenue.policy import load_policy
from customer_revenue.settings import Settings, load_settings
from customer_revenue.workflows.customer_base.profits import profit_rows
from customer_revenue.workflows.known_tables import known_at


def open_store(url: str | None = None, **settings: Any) -> Orders:
    """Open an existing store of orders.

    Args:
        url: such as ``duckdb:///data/orders.duckdb`` or ``postgresql://…``; by default the setting ``store``.
        settings: any setting by name, such as ``models="models"``; the others come from the environment.

    Raises:
        StoreNotFound: there is no store at the URL.
        InvalidParameter: a setting is invalid.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow, cr.open_store(cdnow.info.url) as again:
    ...     again.info.customers
    2357
    """
    chosen = load_settings(store=url, **settings)
    return Orders(open_store_at(chosen.store, chosen.store_options), chosen)


class Orders:
    """A store of orders opened for reading, returned by ``open_store``, ``load_orders`` and ``load_cdnow``.

    It is a context manager. Its frames are pandas DataFrames with one row per customer and money in cents; ``arrow``
    returns the same as Arrow tables, ``polars`` as frames of Polars.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     frame = cdnow.features(as_of="1997-09-30")
    ...     table = cdnow.arrow.features(as_of="1997-09-30")
    >>> len(frame), table.num_rows, int((frame["frequency"] == 0).sum())
    (2357, 2357, 1411)
    """

    def __init__(self, store: Store, settings: Settings, folder: Path | None = None) -> None:
        self.store = store
        self.settings = settings
        self._remove_folder = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True) if folder else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        info = self.info
        return f"<Orders: {info.orders:,} of {info.customers:,} customers, {info.first_day} to {info.last_day}>"

    def _repr_html_(self) -> str:
        info = self.info
        rows = {name: getattr(info, name) for name in ("orders", "customers", "first_day", "last_day", "currency")}
        return as_html(repr(self), {"Store": pd.DataFrame({"value": rows}, dtype=object)})

    def close(self) -> None:
        """Close the store, and delete it if it is temporary.

        >>> import customer_revenue as cr
        >>> orders = cr.load_cdnow(sample=True)
        >>> orders.close()
        """
        self.store.close()
        if self._remove_folder is not None:
            self._remove_folder()

    @property
    def info(self) -> StoreInfo:
        """A description of the store: counts, first and last day, currency, fingerprint.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     print(cdnow.info.first_day, cdnow.info.last_day)
        1997-01-01 1998-06-30
        """
        return self.store.info

    @property
    def arrow(self) -> ArrowTables:
        """The same frames as Arrow tables.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     cdnow.arrow.facts().num_rows
        2357
        """
        return ArrowTables(self.store, self.settings)

    @property
    def polars(self) -> PolarsTables:
        """The same frames as frames of Polars, where it is installed.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     cdnow.polars.facts().height
        2357
        """
        return PolarsTables(self.arrow)

    def facts(self, as_of: DayLike | None = None, period: str = "all_time") -> pd.DataFrame:
        """What each customer has bought, returned and earned the shop: revenue, refunds, profit, segment, stage.

        Args:
            as_of: last day included; by default the store's as-of day.
            period: ``all_time``, ``last_12_months``, ``last_6_months`` or ``ytd``.

        Raises:
            InvalidParameter: there is no such period.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     facts = cdnow.facts(as_of="1997-12-31", period="ytd")
        >>> int(facts["total_orders"].sum()), list(facts.columns[:3])
        (5728, ['customer_id', 'total_revenue_cents', 'total_orders'])
        """
        return as_frame(self.arrow.facts(as_of, period))

    def profit(self, by: str = "customer", as_of: DayLike | None = None) -> pd.DataFrame:
        """Revenue less refunds and cost, by customer, product or month, and what the cost rests on.

        Args:
            by: ``customer``, ``product`` or ``month`` (months since January of the year 0).
            as_of: last day included; by default the store's as-of day.

        Returns:
            ``revenue_cents``, ``refunds_cents``, ``net_revenue_cents``, ``cost_cents``, ``profit_cents`` and
            ``margin_basis``: ``measured`` where order lines state their cost, else ``policy`` for its rates or
            ``assumed`` for its assumed one; ``partly_assumed`` where that is for some of the lines.

        Raises:
            InvalidParameter: ``by`` has another value.

        >>> import customer_revenue as cr, pandas as pd
        >>> row = {"order_id": "1", "user_id": "ann", "created_at": "2024-05-01", "total": 10, "status": "paid"}
        >>> line = {"product_id": "tea", "quantity": 1, "amount": 10, "cost": "7.25"}
        >>> with cr.load_orders(pd.DataFrame([row | line])) as orders:
        ...     orders.profit()[["customer_id", "profit_cents", "margin_basis"]].to_numpy().tolist()
        [['ann', 275, 'measured']]
        """
        if by not in list(ProfitBy):
            raise InvalidParameter(f"by: {by[:40]!r} is not one of {', '.join(ProfitBy)}", list(ProfitBy))
        when, margin = self.store.as_of(as_day(as_of)), load_policy(self.settings.policy).margin
        return as_frame(self.store.fetch(profit_rows(self.store, when, margin, ProfitBy(by))))

    def features(self, as_of: DayLike | None = None) -> pd.DataFrame:
        """Features of each customer's history as of a day: recency, frequency, age, spend, rhythm, refunds.

        Every model here is fitted to them. ``frequency`` counts purchase days after the first; ``recency_days`` is
        the time from the first purchase day to the last, ``T_days`` from the first to the as-of day.

        Args:
            as_of: last day included; by default the store's as-of day.

        Raises:
            NotEnoughData: nobody had bought by then.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     features = cdnow.features(as_of="1997-09-30")
        >>> features[["frequency", "recency_days", "T_days", "monetary_cents"]].mean().round(1).tolist()
        [1.0, 47.9, 229.0, 1407.9]
        """
        return as_frame(self.arrow.features(as_of))

    def rfm(self, as_of: DayLike | None = None) -> pd.DataFrame:
        """The four columns that the models of the field are fitted to, in days and cents, several times as fast.

        Args:
            as_of: last day included; by default the store's as-of day.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     rfm = cdnow.rfm(as_of="1997-09-30")
        >>> list(rfm.columns)
        ['customer_id', 'frequency', 'recency_days', 'T_days', 'monetary_cents']
        """
        return as_frame(self.arrow.rfm(as_of))

    def outcomes(self, cutoff: DayLike, horizon_days: int) -> pd.DataFrame:
        """What customers did after a cut-off: ``purchases``, ``revenue_cents``, ``days_to_next_purchase``.

        Rows are in the order of ``features(as_of=cutoff)``. Day 1 is the day after the cut-off.

        Args:
            cutoff: last day before the horizon.
            horizon_days: length of the horizon.

        Raises:
            InvalidParameter: the store ends before the horizon does.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     int(cdnow.outcomes("1997-09-30", 273)["purchases"].sum())
        1882
        """
        return as_frame(self.arrow.outcomes(cutoff, horizon_days))

    def first_orders(self, as_of: DayLike | None = None) -> pd.DataFrame:
        """What was known of each customer from their first order on: covariates for ``ProbabilityModel``.

        Args:
            as_of: last day included; by default the store's as-of day.

        Returns:
            One row per customer: ``customer_id``; ``channel``, ``country``, ``campaign``, ``discount_code``,
            ``discount_cents`` and ``order_cents`` of the order; the number of its ``lines``; ``product_id`` and
            ``category`` of the one with the highest amount. Missing is what no export states.

        >>> import customer_revenue as cr, pandas as pd
        >>> days = ["2024-05-01", "2024-05-03", "2024-06-03"]
        >>> log = pd.DataFrame({"customer": ["ann", "bob", "bob"], "date": days, "amount": [10, 5, 7]})
        >>> with cr.load_orders(log.assign(channel=["web", "till", "web"])) as orders:
        ...     orders.first_orders()[["customer_id", "channel", "order_cents"]].values.tolist()
        [['ann', 'web', 1000], ['bob', 'till', 500]]
        """
        return as_frame(self.arrow.first_orders(as_of))

    def purchase_days(self, customer_id: str | None = None, as_of: DayLike | None = None) -> pd.DataFrame:
        """Each day on which a customer bought, with the day's ``total_cents`` and ``orders``.

        Args:
            customer_id: id of one customer; all customers by default.
            as_of: last day included; by default the store's as-of day.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     cdnow.purchase_days("00004")["day"].dt.strftime("%Y-%m-%d").tolist()
        ['1997-01-01', '1997-01-18', '1997-08-02', '1997-12-12']
        """
        when = self.store.as_of(as_day(as_of))
        known = known_at(self.store, when)
        if customer_id is not None:
            known = known.of_customer(cast("ir.StringValue", ibis.literal(customer_id)))
        days = self.store.fetch(purchase_days(known.orders, when.day).order_by("customer_id", "age_days"))
        frame = as_frame(days).iloc[::-1].reset_index(drop=True)
        frame.insert(1, "day", pd.Timestamp(when.day) - pd.to_timedelta(frame.pop("age_days"), unit="D"))
        return frame.sort_values(["customer_id", "day"], ignore_index=True)

    def daily(self, as_of: DayLike | None = None) -> pd.DataFrame:
        """``new_customers`` and ``repeat_purchases`` per day; days without either are left out.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     cdnow.daily()[["new_customers", "repeat_purchases"]].sum().tolist()
        [2357, 4339]
        """
        when = self.store.as_of(as_day(as_of))
        return as_frame(self.store.fetch(daily(known_at(self.store, when).orders).order_by("day")))

    def table(self, name: str) -> pd.DataFrame:
        """One of the tables of the store as it is, with the columns that only some exports carry.

        ``orders`` has ``channel``, ``country``, ``discount_code``, ``discount_cents``, ``campaign``,
        ``original_currency`` and ``original_cents``; ``order_items`` has ``category`` and ``cost_cents``; ``users`` has
        ``accepts_marketing``. They are null where nothing states them. Orders of every status are there, with and
        without a customer.

        Args:
            name: ``orders``, ``order_items``, ``refunds`` or ``users``.

        Raises:
            InvalidParameter: there is no such table.

        >>> import customer_revenue as cr, pandas as pd
        >>> log = pd.DataFrame({"customer": ["ann", "bob"], "date": ["2024-05-01", "2024-05-03"], "amount": [10, 5]})
        >>> with cr.load_orders(log.assign(channel=["web", "till"])) as orders:
        ...     orders.table("orders").groupby("channel")["total_cents"].sum().to_dict()
        {'till': 500, 'web': 1000}
        """
        return as_frame(self.arrow.table(name))

    def quarantine(self) -> pd.DataFrame:
        """The rows that were not imported, each with its line and the reason.

        >>> import customer_revenue as cr
        >>> with cr.load_cdnow(sample=True) as cdnow:
        ...     len(cdnow.quarantine())
        0
        """
        return as_frame(self.store.quarantine())
