"""How revenue is spread over the customers: by segment and stage, by rank, and by purchase frequency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from customer_revenue import lazy_ibis as ibis
from customer_revenue.currencies import UNUSUAL_DIGITS, money_text
from customer_revenue.policy import Policy
from customer_revenue.revenue.arithmetic import group_shares, percentage, rounded_quotient, sum_where

if TYPE_CHECKING:
    import ibis.expr.types as ir

TOP_PERCENTS = (1, 5, 10, 20)
LORENZ_STEPS = 20
FREQUENCY_BUCKETS = ((30, "Monthly"), (90, "Quarterly"), (180, "Bi-Annual"))
SLOWEST_BUCKET = "Annual+"


def distribution(customers: ir.Table) -> ir.Table:
    """Revenue by value segment, highest total first.

    Args:
        customers: the table of :func:`~customer_revenue.revenue.view.customers`.

    Returns:
        ``customer_segment``, ``customer_count``, ``total_revenue_cents``, ``avg_revenue_per_customer_cents`` (rounded
        half up), ``percentage_of_total_revenue`` and ``percentage_of_customers`` (two decimals). A segment without
        customers has no row.
    """
    return group_shares(customers, "customer_segment", customers.total_revenue_cents)


def stages(customers: ir.Table) -> ir.Table:
    """As :func:`distribution`, by lifecycle stage."""
    return group_shares(customers, "lifecycle_stage", customers.total_revenue_cents)


def concentration(customers: ir.Table) -> ir.Table:
    """How much of the revenue comes from how few customers: one row, none without customers.

    Args:
        customers: the table of :func:`~customer_revenue.revenue.view.customers`.

    Returns:
        ``customers``, ``total_revenue_cents``, the share of the best 1, 5, 10 and 20 % of customers (their number
        rounded up) as ``top_1_percent`` and so on, in percent to two decimals, and ``gini`` (0 for equal customers)
        to six decimals; the shares and Gini of no revenue are 0.
    """
    ranked = _ranked(customers)
    count, total = ranked.count(), ranked.total_revenue_cents.sum()
    best = {f"top_{p}": sum_where(_is_top(ranked, p), ranked.total_revenue_cents) for p in TOP_PERCENTS}
    # The best has place 1; the sum fits no 64 bits with ten million customers.
    placed = (ranked.total_revenue_cents.cast("decimal(38, 0)") * ranked.place).sum()
    sums = ranked.aggregate(customers=count, total_revenue_cents=total, placed=placed, **best)
    sums = sums.filter(sums.customers > 0)
    return sums.select(
        "customers",
        "total_revenue_cents",
        **{f"top_{p}_percent": percentage(sums[f"top_{p}"], sums.total_revenue_cents) for p in TOP_PERCENTS},
        gini=_gini(sums.customers, sums.total_revenue_cents, sums.placed),
    )


def lorenz_points(customers: ir.Table) -> ir.Table:
    """Points of the Lorenz curve, from the lowest revenue up, one for each twentieth of the customers.

    Args:
        customers: the table of :func:`~customer_revenue.revenue.view.customers`.

    Returns:
        ``step`` (1 to 20; a small base has fewer), ``customers`` and ``revenue_cents`` up to and including it,
        ``percentage_of_customers`` and ``percentage_of_revenue`` (two decimals).
    """
    ranked = _ranked(customers)
    from_below = ranked.customers - ranked.place + 1
    step = ((from_below * LORENZ_STEPS + ranked.customers - 1).cast("float64") / ranked.customers).floor()
    steps = ranked.group_by(step=step).aggregate(
        customers=ranked.count(), revenue_cents=ranked.total_revenue_cents.sum()
    )
    so_far = ibis.window(order_by=steps.step, preceding=None, following=0)
    points = steps.select(
        "step",
        customers=steps.customers.sum().over(so_far),
        revenue_cents=steps.revenue_cents.sum().over(so_far),
        all_customers=steps.customers.sum().over(ibis.window()),
        all_revenue=steps.revenue_cents.sum().over(ibis.window()),
    )
    return points.select(
        "step",
        "customers",
        "revenue_cents",
        percentage_of_customers=percentage(points.customers, points.all_customers),
        percentage_of_revenue=percentage(points.revenue_cents, points.all_revenue),
    ).order_by("step")


def purchase_frequency(customers: ir.Table) -> ir.Table:
    """Customers with two orders or more by their mean gap, as specified; highest average value first.

    Args:
        customers: the table of :func:`~customer_revenue.revenue.view.customers`.

    Returns:
        ``purchase_frequency`` (``Monthly``, ``Quarterly``, ``Bi-Annual`` or ``Annual+``), ``customer_count``,
        ``total_revenue_cents``, ``avg_customer_value_cents`` (rounded half up).
    """
    repeating = customers.filter(customers.avg_days_between_purchases.notnull())
    gap = repeating.avg_days_between_purchases
    bucket = ibis.cases(*((gap <= days, name) for days, name in FREQUENCY_BUCKETS), else_=SLOWEST_BUCKET)
    sums = repeating.group_by(purchase_frequency=bucket).aggregate(
        customer_count=repeating.count(), total_revenue_cents=repeating.total_revenue_cents.sum()
    )
    return sums.mutate(
        avg_customer_value_cents=rounded_quotient(sums.total_revenue_cents, sums.customer_count)
    ).order_by(ibis.desc("avg_customer_value_cents"), "purchase_frequency")


def segment_rows(rows: Sequence[Mapping[str, object]], policy: Policy, currency: str = "") -> list[dict[str, object]]:
    """Every segment of the ladder in use, highest first, with its criteria and treatment, and zeros where empty.

    Args:
        rows: those of :func:`distribution`.
        policy: the ladder.
        currency: of the amounts.
    """
    found = {row["customer_segment"]: row for row in rows}
    ladder = policy.segments.active
    described = []
    for position, rung in enumerate(ladder):
        lowest = position > 0 and position == len(ladder) - 1
        edge = ladder[position - 1].from_total_revenue_cents if lowest else rung.from_total_revenue_cents
        described.append(
            {
                "customer_segment": rung.name,
                "criteria": f"{policy.segments.basis}_revenue {'<' if lowest else '>='} {_edge(edge, currency)}",
                "treatment": rung.treatment,
                "expected_share": rung.expected_share,
                **_figures(found.get(rung.name)),
            }
        )
    return described


def stage_rows(rows: Sequence[Mapping[str, object]], policy: Policy) -> list[dict[str, object]]:
    """Every lifecycle stage with its criteria and focus, and zeros where empty.

    Args:
        rows: those of :func:`stages`.
        policy: thresholds and focus.
    """
    found = {row["lifecycle_stage"]: row for row in rows}
    limits = policy.lifecycle
    criteria = {
        "new": f"first_purchase < {limits.new_below_days} days ago",
        "active": f"last_purchase < {limits.active_below_days} days ago",
        "at_risk": f"last_purchase {limits.active_below_days}-{limits.at_risk_up_to_days} days ago",
        "churned": f"last_purchase > {limits.at_risk_up_to_days} days ago",
    }
    focus = limits.focus.model_dump()
    return [
        {"lifecycle_stage": name, "criteria": words, "focus": focus[name], **_figures(found.get(name))}
        for name, words in criteria.items()
    ]


def _ranked(customers: ir.Table) -> ir.Table:
    best_first = ibis.window(order_by=[customers.total_revenue_cents.desc(), customers.customer_id.asc()])
    return customers.select(
        "total_revenue_cents",
        place=ibis.row_number().over(best_first) + 1,
        customers=customers.count().over(ibis.window()),
    )


def _is_top(ranked: ir.Table, percent: int) -> ir.BooleanValue:
    # place <= ceil(customers * percent / 100), in whole numbers
    return ranked.place * 100 <= ranked.customers * percent + 99


def _gini(customers: ir.NumericValue, total: ir.NumericValue, placed: ir.NumericValue) -> ir.Value:
    # With x sorted from the best, G = (n + 1)/n - 2 sum(place x) / (n sum(x)).
    ratio = 2.0 * placed.cast("float64") / (customers.cast("float64") * total.cast("float64")).nullif(0.0)
    gini = ((customers + 1).cast("float64") / customers - ratio).coalesce(0.0)
    return (gini * 1e6 + 0.5).floor().cast("float64") / 1e6


def _figures(row: Mapping[str, object] | None) -> dict[str, object]:
    names = (
        "customer_count",
        "total_revenue_cents",
        "avg_revenue_per_customer_cents",
        "percentage_of_total_revenue",
        "percentage_of_customers",
    )
    return {name: row[name] if row else 0 for name in names}


def _edge(cents: int, currency: str) -> str:
    if currency in UNUSUAL_DIGITS:
        return money_text(cents, currency)
    return f"${cents // 100:,}" if cents % 100 == 0 else f"${cents / 100:,.2f}"
