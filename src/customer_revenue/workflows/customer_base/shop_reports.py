"""Reports about the shop that need no model: profit, money by cohort, customers to be won, orders in a row, refunds."""

from __future__ import annotations

import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from customer_revenue.choices import BiddingForm, FirstDayBy, ProfitBy
from customer_revenue.orders.recipe import Recipe
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf, Period
from customer_revenue.policy import Policy
from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.customer_base.base_queries import known_profits
from customer_revenue.workflows.customer_base.profits import MarginRate, margin_rate, profit_body

if TYPE_CHECKING:
    from customer_revenue.workflows.customer_base.bidding_files import BidOptions


class ShopReports:
    """Reports from the orders of a store as of a moment. Usable from several threads.

    Args:
        store: the orders; where its engine takes minutes to join large tables, a copy on this machine is read.
        when: the as-of moment.
        policy: margins, and what of the profit must remain.
    """

    def __init__(self, store: Store, when: AsOf, policy: Policy) -> None:
        self._orders, self._when, self._policy = store, when, policy
        self._lock = threading.RLock()

    @property
    def margin(self) -> MarginRate:
        """What remained of the last year's net revenue."""
        with self._lock:
            return self._margin

    def profit(self, by: ProfitBy, limit: int, offset: int) -> Body:
        """Profit and revenue, in total and by month, product or customer."""
        return profit_body(self._store, self._when, self._policy.margin, by, limit, offset)

    def own_profits(self, period: Period) -> pa.Table:
        """``customer_id``, cost, profit and what they rest on, of each customer with an order or a refund by then."""
        first = None if period is Period.ALL_TIME else period.first_day(self._when.day)
        recipe = Recipe(known_profits, (self._policy.margin, first), complete=("order_items",))
        return self._store.fetch(recipe, moment=self._when.moment_utc_naive)

    def acquisition(self, by: FirstDayBy, payback_days: int, costs: Path | None) -> Body:
        """What new customers are worth and may cost, by what is known of them on their first day."""
        from customer_revenue.workflows.customer_base.new_customers import acquisition_body

        return acquisition_body(self._store, self._when, self._policy, self.margin, by, payback_days, costs)

    def cohort_money(self, max_days: int, by: FirstDayBy) -> Body:
        """Cumulative net revenue and profit per customer by month of acquisition, or another group, and age."""
        from customer_revenue.workflows.customer_base.cohort_curves import cohort_report

        return cohort_report(self._store, self._when, self.margin, max_days, by)

    def bidding(self, form: BiddingForm, options: BidOptions) -> Body:
        """First orders with the predicted value of their customer, as a file for bidding."""
        from customer_revenue.workflows.customer_base.bidding_files import bidding_body

        return bidding_body(self._store, self._when, self.margin, form, options)

    def order_sequence(self) -> Body:
        """What customers' first, second … orders bring, and how soon the next follows."""
        from customer_revenue.workflows.customer_base.flows_and_sequences import sequence_body

        return sequence_body(self._store, self._when)

    def refunds_to_come(self) -> Body:
        """Refunds that are still to be expected on the orders of the last months."""
        from customer_revenue.workflows.customer_base.refund_outlook import RefundOutlook, refund_outlook_body

        return refund_outlook_body(RefundOutlook.of(self._store, self._when))

    @property
    def _store(self) -> Store:
        with self._lock:
            return self._joined_store

    @cached_property
    def _joined_store(self) -> Store:
        return self._orders.for_joins()

    @cached_property
    def _margin(self) -> MarginRate:
        return margin_rate(self._store, self._when, self._policy.margin)
