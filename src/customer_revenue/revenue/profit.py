"""Cost and profit: revenue less what was sold for it, to the cent.

A line costs what the orders state, else the policy's rate of its product or category, else the policy's assumed rate.
What an order brings beyond its lines, such as shipping and tax, costs as they do; a discount comes off the profit. A
refund takes its share of its order's cost back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from customer_revenue import lazy_ibis as ibis
from customer_revenue.policy import Margin
from customer_revenue.revenue.arithmetic import month_index, rounded_quotient, stacked, sum_where
from customer_revenue.revenue.counted_refunds import refunds_beyond_orders
from customer_revenue.tables import REFUNDED, Canonical, check_columns

if TYPE_CHECKING:
    import ibis.expr.types as ir

MARGIN_BASES = ("measured", "policy", "partly_assumed", "assumed")
"""What a profit rests on: costs that the orders state, rates of the policy, or its assumed rate. A sum rests on the
weakest of its parts, and is partly assumed where only some of them are."""

PROFIT_COLUMNS = ("revenue_cents", "refunds_cents", "net_revenue_cents", "cost_cents", "profit_cents", "margin_basis")
"""The sums of every report of profit, in order."""

OWN_PROFIT_COLUMNS = ("cost_cents", "profit_cents", "margin_basis")
"""What stands next to a customer's revenue."""

NOTHING_EARNED: Mapping[str, object] = {"cost_cents": 0, "profit_cents": 0, "margin_basis": MARGIN_BASES[-1]}
"""What stands there for a period without orders and refunds."""

MEASURED, BY_POLICY, PARTLY_ASSUMED, ASSUMED = range(4)


def cost_movements(
    known: Canonical, lines: ir.Table, margin: Margin, first_day: ir.DateScalar | None = None
) -> ir.Table:
    """Orders and refunds as one list, as :func:`~customer_revenue.revenue.counted_refunds.movements`, with their cost.

    Args:
        known: what was known at the as-of moment.
        lines: ``order_items`` with the optional columns ``category`` and ``cost_cents``.
        margin: rates where no cost is stated.
        first_day: first day of the period; ``None`` for all time. Earlier movements are left out.

    Returns:
        ``customer_id``, ``day``, ``orders`` (1 or 0), ``revenue_cents``, ``refund_cents``, ``cost_cents`` (negative
        where a refund takes it back) and ``basis``, the place in :data:`MARGIN_BASES`.
    """
    costs = order_costs(known, lines, margin)
    undone = costs.status == REFUNDED
    bought = costs.select(
        customer_id=costs.user_id,
        day=costs.day,
        orders=ibis.literal(1, type="!int64"),
        revenue_cents=costs.total_cents,
        refund_cents=undone.ifelse(costs.total_cents, 0),
        cost_cents=undone.ifelse(0, costs.cost_cents),
        basis=costs.basis,
    )
    refunds = refunds_beyond_orders(known, first_day)
    own = {"own_id": costs.id, "order_cents": costs.total_cents, "order_cost": costs.cost_cents}
    of_order = costs.select(**own, order_basis=costs.basis)
    joined = refunds.left_join(of_order, refunds.order_id == of_order.own_id)
    known_cost = joined.order_cents.notnull() & (joined.order_cents > 0)
    share = ibis.least(joined.amount_cents, joined.order_cents)
    back = known_cost.ifelse(
        rounded_quotient(share * joined.order_cost, joined.order_cents), _at_rate(joined.amount_cents, margin)
    )
    returned = joined.select(
        customer_id=joined.user_id,
        day=joined.day,
        orders=ibis.literal(0, type="!int64"),
        revenue_cents=ibis.literal(0, type="int64"),
        refund_cents=joined.amount_cents,
        cost_cents=-back,
        basis=known_cost.ifelse(joined.order_basis, ASSUMED),
    )
    whole = dict.fromkeys(("orders", "revenue_cents", "refund_cents", "cost_cents", "basis"), "int64")
    moves = stacked(bought.cast(whole), returned.cast(whole))
    return moves if first_day is None else moves.filter(moves.day >= first_day)


def order_costs(known: Canonical, lines: ir.Table, margin: Margin) -> ir.Table:
    """The counted orders with ``cost_cents``, at least 0, and ``basis``."""
    orders, of_lines = known.counted_orders(), _lines_of_orders(lines, margin)
    joined = orders.left_join(of_lines, orders.id == of_lines.lines_id)
    rest = joined.total_cents - joined.lines_cents
    has_lines, priced = joined.lines_cents.notnull(), joined.lines_cents > 0
    more = rest > 0
    beyond = priced.ifelse(rounded_quotient(rest * joined.lines_cost, joined.lines_cents), _at_rate(rest, margin))
    with_lines = joined.lines_cost + more.ifelse(beyond, 0)
    cost = has_lines.ifelse(with_lines, _at_rate(joined.total_cents, margin))
    rest_is_assumed = more & ~priced
    own_basis = rest_is_assumed.ifelse(ibis.greatest(joined.lines_basis, PARTLY_ASSUMED), joined.lines_basis)
    return joined.select(
        *(orders[name] for name in ("id", "user_id", "status", "day", "total_cents")),
        cost_cents=cost.cast("int64"),
        basis=has_lines.ifelse(own_basis, ASSUMED).cast("int64"),
    )


def line_costs(lines: ir.Table, margin: Margin) -> ir.Table:
    """The lines with their cost.

    Args:
        lines: ``order_items`` with the optional columns ``category`` and ``cost_cents``.
        margin: rates where no cost is stated.

    Returns:
        ``order_id``, ``product_id``, ``product_name``, ``category``, ``amount_cents``, ``cost_cents``, ``basis``.
    """
    check_columns(lines, ("order_id", "product_id", "amount_cents", "category", "cost_cents"), "the order lines")
    rate = _rate(lines.product_id, margin.by_product).coalesce(_rate(lines.category, margin.by_category))
    by_rate = rounded_quotient(lines.amount_cents * (100 - rate), ibis.literal(100))
    stated, listed = lines.cost_cents.notnull(), rate.notnull()
    return lines.select(
        "order_id",
        "product_id",
        "product_name",
        "category",
        "amount_cents",
        cost_cents=lines.cost_cents.coalesce(by_rate, _at_rate(lines.amount_cents, margin)).cast("int64"),
        basis=ibis.cases((stated, MEASURED), (listed, BY_POLICY), else_=ASSUMED).cast("int64"),
    )


def profit_by_customer(moves: ir.Table) -> ir.Table:
    """``customer_id`` and :data:`PROFIT_COLUMNS` of the movements, one row per customer; highest profit first."""
    return _profits(moves, "customer_id").order_by(ibis.desc("profit_cents"), "customer_id")


def own_profits(known: Canonical, lines: ir.Table, margin: Margin, first_day: ir.DateScalar | None = None) -> ir.Table:
    """``customer_id`` and :data:`OWN_PROFIT_COLUMNS` of each customer with an order or a refund in the period.

    Args:
        known: what was known at the as-of moment, of all customers or of some.
        lines: as for :func:`cost_movements`; those of other orders are left out before they are added up.
        margin: rates where no cost is stated.
        first_day: first day of the period; ``None`` for all time.
    """
    orders = known.orders
    own = lines.semi_join(orders, lines.order_id == orders.id)
    return _profits(cost_movements(known, own, margin, first_day), "customer_id").select(
        "customer_id", *OWN_PROFIT_COLUMNS
    )


def profit_by_month(moves: ir.Table) -> ir.Table:
    """``month_index`` and :data:`PROFIT_COLUMNS` of each calendar month with a movement, oldest first."""
    return _profits(moves.mutate(month_index=month_index(moves.day)), "month_index").order_by("month_index")


def total_profit(moves: ir.Table) -> ir.Table:
    """:data:`PROFIT_COLUMNS` of all movements, in one row; nothing sold has profit 0 and rests on the policy."""
    sums = moves.aggregate(
        revenue_cents=moves.revenue_cents.sum().coalesce(0),
        refunds_cents=moves.refund_cents.sum().coalesce(0),
        cost_cents=moves.cost_cents.sum().coalesce(0),
        basis=_weakest(moves.basis).coalesce(ASSUMED),
    )
    return _with_profit(sums).select(*PROFIT_COLUMNS)


def profit_by_product(known: Canonical, lines: ir.Table, margin: Margin) -> ir.Table:
    """Lines of the orders that were not refunded as a whole, by product; highest profit first.

    Returns:
        ``product_id``, ``product_name`` (the last of its names in the alphabet) and :data:`PROFIT_COLUMNS`. Refunds of
        parts, discounts, tax and shipping belong to no product and are in none of them.
    """
    orders, costs = known.counted_orders(), line_costs(lines, margin)
    kept = orders.filter(orders.status != REFUNDED)
    sold = costs.semi_join(kept, costs.order_id == kept.id)
    sums = sold.group_by("product_id").aggregate(
        product_name=sold.product_name.max(),
        revenue_cents=sold.amount_cents.sum(),
        refunds_cents=sum_where(sold.product_id.isnull(), 0),
        cost_cents=sold.cost_cents.sum(),
        basis=_weakest(sold.basis),
    )
    found = _with_profit(sums).select("product_id", "product_name", *PROFIT_COLUMNS)
    return found.order_by(ibis.desc("profit_cents"), "product_id")


def _profits(moves: ir.Table, column: str) -> ir.Table:
    sums = moves.group_by(column).aggregate(
        revenue_cents=moves.revenue_cents.sum(),
        refunds_cents=moves.refund_cents.sum(),
        cost_cents=moves.cost_cents.sum(),
        basis=_weakest(moves.basis),
    )
    return _with_profit(sums).select(column, *PROFIT_COLUMNS)


def _weakest(basis: ir.IntegerColumn) -> ir.IntegerValue:
    """What a sum rests on: the weakest of its parts; partly assumed where only some are assumed."""
    highest, lowest = basis.max(), basis.min()
    some = (highest == ASSUMED) & (lowest < ASSUMED)
    return cast("ir.IntegerValue", some.ifelse(PARTLY_ASSUMED, highest))


def _with_profit(sums: ir.Table) -> ir.Table:
    net = sums.revenue_cents - sums.refunds_cents
    labels = [(sums.basis == place, label) for place, label in enumerate(MARGIN_BASES[:-1])]
    return sums.mutate(
        net_revenue_cents=net,
        profit_cents=net - sums.cost_cents,
        margin_basis=ibis.cases(*labels, else_=MARGIN_BASES[-1]),
    )


def _lines_of_orders(lines: ir.Table, margin: Margin) -> ir.Table:
    costs = line_costs(lines, margin)
    return costs.group_by(lines_id=costs.order_id).aggregate(
        lines_cents=costs.amount_cents.sum(), lines_cost=costs.cost_cents.sum(), lines_basis=_weakest(costs.basis)
    )


def _rate(key: ir.StringValue, rates: Mapping[str, int]) -> ir.IntegerValue:
    """The margin that the policy lists for a key, in percent; null where it lists none."""
    nothing = ibis.null("int64")
    if not rates:
        return cast("ir.IntegerValue", nothing)
    return cast("ir.IntegerValue", key.cases(*sorted(rates.items()), else_=nothing).cast("int64"))


def _at_rate(cents: ir.IntegerValue, margin: Margin) -> ir.IntegerValue:
    return rounded_quotient(_times_rate(cents, margin), ibis.literal(100))


def _times_rate(cents: ir.IntegerValue, margin: Margin) -> ir.IntegerValue:
    return cast("ir.IntegerValue", cents * (100 - margin.assumed_percent))
