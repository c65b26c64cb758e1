"""``customer-revenue forget``: erase a person's data."""

from __future__ import annotations

from typing import Annotated

import typer

from customer_revenue.cli.options import StoreUrl, settings_for
from customer_revenue.console import say


def forget(
    user_id: Annotated[str, typer.Argument(help="The customer's id.")],
    orders: Annotated[bool, typer.Option("--orders", help="Also remove the orders, the refunds and the id.")] = False,
    store: StoreUrl = None,
) -> None:
    """Remove a person's name and e-mail address from the store and its quarantine, permanently.

    Only a keyed hash of the id remains. The key, CUSTOMER_REVENUE_FORGET_KEY, has to be set for later imports too.
    """
    from customer_revenue.workflows.forget import forget as forget_customer

    say(forget_customer(settings_for(store), user_id, orders=orders))
