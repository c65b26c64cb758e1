"""``customer-revenue forget``: remove a person."""

from __future__ import annotations

from typing import Annotated

import typer

from customer_revenue.cli.options import StoreUrl, settings_for
from customer_revenue.console import say


def forget(
    user_id: Annotated[str, typer.Argument(help="The customer's id.")],
    orders: Annotated[bool, typer.Option("--orders", help="Remove the orders and refunds too, and the id.")] = False,
    store: StoreUrl = None,
) -> None:
    """Remove a person's name and e-mail from the store and its quarantine, for good.

    Only a hash of the id is remembered, under the key CUSTOMER_REVENUE_FORGET_KEY, which later imports need too.
    """
    from customer_revenue.workflows.forget import forget as run

    say(run(settings_for(store), user_id, orders=orders))
