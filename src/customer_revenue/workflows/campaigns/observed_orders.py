"""What came of some customers within a period."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue.arrays import Floats
from customer_revenue.orders.store import Store
from customer_revenue.policy import Policy
from customer_revenue.revenue.summary import summary
from customer_revenue.tables import day_literal
from customer_revenue.workflows.known_tables import known_at


@dataclass(frozen=True)
class ObservedOrders:
    """What came of some customers, one row each in their order: 1 for those who bought, orders, net revenue."""

    bought: Floats
    orders: Floats
    revenue_cents: Floats

    @classmethod
    def of(
        cls, store: Store, customer_ids: Sequence[str], first: dt.date, last: dt.date, policy: Policy
    ) -> ObservedOrders:
        """The orders of a period, both days included."""
        known = known_at(store, store.as_of(last))
        rows = store.fetch(summary(known, day_literal(first), day_literal(last), policy))
        found = rows.take(pc.index_in(pa.array(customer_ids, pa.string()), value_set=rows["customer_id"]))
        orders, cents = (
            np.asarray(found[name].fill_null(0).to_numpy(), np.float64)
            for name in ("total_orders", "net_revenue_cents")
        )
        return cls((orders > 0).astype(np.float64), orders, cents)
