"""The decisions about all customers of a shop on one day, which together promise no more than the policy allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue.actions.barring import Barring
from customer_revenue.actions.decide import Decisions, decide, promise_scale
from customer_revenue.actions.recommend import LEAVE_ALONE, most_valuable, with_product
from customer_revenue.actions.situations import STATUS_COLUMNS, Situations
from customer_revenue.actions.terms import Terms
from customer_revenue.arrays import Texts
from customer_revenue.orders.store import Store
from customer_revenue.policy import Policy
from customer_revenue.revenue.main_product import main_products
from customer_revenue.tables import Canonical
from customer_revenue.workflows.customer_base.customer_columns import with_columns_of
from customer_revenue.workflows.known_tables import of_customers

NOBODY: Mapping[str, Barring] = MappingProxyType({})


@dataclass(frozen=True)
class ShopDecisions:
    """The decisions about all customers.

    Args:
        situations: of all customers with an order and a prediction.
        policy: rules, effects, offers, margin.
        currency: code written behind amounts.
        margin: share of net revenue that remains after the cost of what was sold; the policy's if ``None``.
        margin_basis: what it rests on.
    """

    situations: Situations
    policy: Policy
    currency: str
    margin: float | None = None
    margin_basis: str = "assumed"

    @classmethod
    def made(cls, situations: Situations, policy: Policy, currency: str, terms: Terms, decisions: Decisions) -> Self:
        """Decisions that were made before, with their terms."""
        found = cls(situations, policy, currency, terms.margin, terms.margin_basis)
        vars(found).update(terms=terms, all=decisions)
        return found

    @cached_property
    def terms(self) -> Terms:
        """What is the same for all of them."""
        return Terms(self.margin, promise_scale(self.situations, self.policy, self.margin), self.margin_basis)

    @cached_property
    def all(self) -> Decisions:
        """The decisions, in the order of the situations."""
        return decide(self.situations, self.policy, self.terms)

    def allowed(self, barred: Mapping[str, Barring]) -> Decisions:
        """The decisions, with nothing to be done about those who must not be contacted, by their ids."""
        return self.all.without(self.situations.customer_id, barred) if barred else self.all

    @cached_property
    def codes(self) -> Texts:
        """The code of the action of each decision, ``leave_alone`` where nothing is done."""
        names = np.array([*(rule.code for rule in self.policy.actions.rules), LEAVE_ALONE], np.object_)
        return np.asarray(names[np.maximum(self.all.rule, -1)])

    def in_columns(self, barred: Mapping[str, Barring] = NOBODY) -> pa.Table:
        """``customer_id``, ``decision`` (the code) and ``decision_profit_cents`` (rounded, 0 for nothing) of each.

        Args:
            barred: who must not be contacted, by their ids.
        """
        found = self.allowed(barred)
        profit = np.where(found.acts, found.profit_cents, 0.0)
        return pa.table(
            {
                "customer_id": self.situations.facts["customer_id"],
                "decision": pa.array(np.where(found.acts, self.codes, LEAVE_ALONE), pa.string()),
                "decision_profit_cents": np.rint(profit).astype(np.int64),
            }
        )

    def with_statuses(self, predictions: pa.Table) -> pa.Table:
        """Predictions of all customers with their status and what is at stake."""
        return with_columns_of(
            self.situations.at_stake(self.policy).select(("customer_id", *STATUS_COLUMNS)), predictions
        )

    def most_valuable(
        self, limit: int, offset: int, only: pa.Array | None = None, barred: Mapping[str, Barring] = NOBODY
    ) -> pa.Table:
        """The most valuable actions, as :func:`~customer_revenue.actions.recommend.most_valuable`.

        Args:
            limit: maximum number of rows.
            offset: number of rows to skip.
            only: ids of the customers to choose from; all by default.
            barred: who must not be contacted, by their ids.
        """
        situations, decisions = self.situations, self.allowed(barred)
        if only is not None:
            places = np.flatnonzero(pc.is_in(situations.facts["customer_id"], value_set=only).to_numpy())
            situations, decisions = situations.take(places), decisions.at(places)
        return most_valuable(situations, self.policy, limit, offset, self.currency, decisions)


def with_main_products(actions: pa.Table, known: Canonical, store: Store) -> pa.Table:
    """Actions with the products that they are about.

    Args:
        actions: rows of customers.
        known: the store's tables as they were known at the moment of the actions.
        store: the store.
    """
    rows = store.fetch(main_products(of_customers(known, actions["customer_id"]))).to_pylist()
    products = {row["customer_id"]: (row["product_id"], row["product_name"]) for row in rows}
    named = [with_product(row, products.get(row["customer_id"])) for row in actions.to_pylist()]
    return pa.Table.from_pylist(named, schema=actions.schema)
