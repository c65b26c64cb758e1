"""Recommended actions, and what a new customer may cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pandas as pd

from customer_revenue.choices import FirstDayBy
from customer_revenue.errors import InvalidParameter
from customer_revenue.library.customers import CustomerModel
from customer_revenue.library.frame_columns import DayLike, as_day, as_frame
from customer_revenue.library.orders import Orders
from customer_revenue.modeling.new_customer_value import AGE_ENDS
from customer_revenue.policy import Policy, load_policy
from customer_revenue.workflows.campaigns.contact_limits import ContactLimits
from customer_revenue.workflows.campaigns.policy_comparison import compare_decisions
from customer_revenue.workflows.customer_base.analytics import CustomerBase
from customer_revenue.workflows.customer_base.cohort_curves import cohort_report
from customer_revenue.workflows.customer_base.new_customers import acquisition_body
from customer_revenue.workflows.customer_base.profits import margin_rate
from customer_revenue.workflows.registry.bundles import LoadedModel


def recommend(orders: Orders, model: CustomerModel, limit: int = 100, as_of: DayLike | None = None) -> pd.DataFrame:
    """The most valuable actions among all customers, by descending value.

    Args:
        orders: the store.
        model: a model fitted to it.
        limit: maximum number of rows.
        as_of: day of the decision; by default the day of the model's fit.

    Returns:
        One row per action: ``customer_id``, ``code``, ``text``, ``reason``, ``expected_value_cents`` and more. Rules,
        uplifts and costs come from the policy.

    >>> import customer_revenue as cr
    >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
    >>> with cr.load_orders(cr.simulate_orders(400, days=365, seed=1)) as orders:
    ...     model = cr.CustomerModel(options=quick).fit(orders)
    ...     found = cr.recommend(orders, model, limit=5)
    >>> len(found), bool(found["expected_value_cents"].is_monotonic_decreasing)
    (5, True)
    """
    return as_frame(customer_base(orders, model, as_of).action_rows(limit, 0))


def compare_policies(
    orders: Orders, model: CustomerModel, before: str | Path, after: str | Path, as_of: DayLike | None = None
) -> dict[str, Any]:
    """How the decisions of two policy files about the shop's customers differ.

    Args:
        orders: the store.
        model: a model fitted to it.
        before: policy file to start from; an empty one is the packaged policy.
        after: policy file to compare with it.
        as_of: day of the decisions; by default the day of the model's fit.

    Returns:
        ``before``, ``after`` and their ``difference``: contacts, cost, expected profit with its 80 % interval;
        ``changes`` by the two decisions, with examples; and ``then``, what the customers did in the 30 days after.

    Raises:
        InvalidPolicy: a file breaks its rules.

    >>> import customer_revenue as cr, pathlib, tempfile
    >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
    >>> with cr.load_cdnow(sample=True) as orders, tempfile.TemporaryDirectory() as folder:
    ...     old, new = pathlib.Path(folder, "old.toml"), pathlib.Path(folder, "new.toml")
    ...     _ = old.write_text(""), new.write_text("[decisions]\\nleast_chance = 0.99\\n")
    ...     model = cr.CustomerModel(options=quick).fit(orders, as_of="1997-09-30")
    ...     found = cr.compare_policies(orders, model, old, new)
    >>> found["before"]["contacted"] > found["after"]["contacted"]
    True
    """
    decided = [
        customer_base(orders, model, as_of, load_policy(Path(path), orders.settings.learned_effects)).decisions
        for path in (before, after)
    ]
    when = orders.store.as_of(as_day(as_of) or model.as_of)
    return compare_decisions(decided[0], decided[1], orders.store, when)


def new_customers(
    orders: Orders, by: str = "all", payback_days: int = 365, as_of: DayLike | None = None
) -> pd.DataFrame:
    """What a new customer is expected to bring, and the most that they may cost. No model is needed.

    Args:
        orders: the store.
        by: ``all``, or what is known on the first day: ``channel``, ``country``, ``campaign``, ``discount``,
            ``product``, ``category``, ``size`` (of the first order) or ``month``.
        payback_days: within which the profit is to pay the cost, 1 to 730.
        as_of: day of the decision; by default the store's as-of day.

    Returns:
        One row per group and horizon of 30, 90, 180, 365 and 730 days since the first order: expected
        ``net_revenue_cents`` with the 80 % interval of the mean of a coming month's customers, ``profit_cents``,
        ``is_observed`` (else the curve is continued), ``customers`` behind it and ``max_acquisition_cost_cents``.
        ``attrs`` has ``margin_percent`` and ``margin_basis``.

    Raises:
        InvalidParameter: ``by`` or ``payback_days`` is outside of its values.
        NotEnoughData: nobody had bought by then.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     won = cr.new_customers(cdnow, payback_days=180)
    >>> won[["days", "net_revenue_cents", "is_observed"]].to_numpy().tolist()[:2]
    [[30, 4512, True], [90, 5566, True]]
    """
    body = _acquisition(orders, by, payback_days, as_of, None)
    groups = body["groups"] or [body["all"]]
    found = pd.json_normalize(
        cast("list[dict[str, Any]]", groups), "values", ["level", "customers", "max_acquisition_cost_cents"]
    )
    found = found.astype({"customers": int, "max_acquisition_cost_cents": int})
    found.attrs = {name: body[name] for name in ("margin_percent", "margin_basis")}
    ids = ["level", "customers"]
    return found[[*ids, *(name for name in found.columns if name not in ids)]]


def acquisition_costs(orders: Orders, costs: str | Path, as_of: DayLike | None = None) -> pd.DataFrame:
    """Cost per new customer, LTV:CAC and payback month of each channel and month.

    Args:
        orders: the store, with the channel of its orders.
        costs: CSV file with the columns ``channel``, ``month`` (``YYYY-MM``) and ``cost``, in units of the currency.
        as_of: day of the decision; by default the store's as-of day.

    Raises:
        UnreadableFile: the file lacks a column or has a row that cannot be used; names its line.

    >>> import customer_revenue as cr, pandas as pd, pathlib, tempfile
    >>> log = pd.DataFrame({"customer": ["ann", "bob"], "date": ["2024-05-01", "2024-05-03"], "amount": [10, 5]})
    >>> with cr.load_orders(log.assign(channel="web")) as orders, tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "costs.csv")
    ...     _ = file.write_text("channel,month,cost\\nweb,2024-05,4.50\\n")
    ...     found = cr.acquisition_costs(orders, file)
    >>> found[["customers", "cac_cents", "ltv_profit_cents", "payback_month"]].to_numpy().tolist()
    [[2, 225, 300, 0]]
    """
    body = _acquisition(orders, "channel", 365, as_of, Path(costs))
    return pd.DataFrame(cast("list[dict[str, Any]]", body["channels"]))


def money_by_cohort(
    orders: Orders, max_days: int = 365, as_of: DayLike | None = None, by: str = "month"
) -> pd.DataFrame:
    """Cumulative net revenue and profit per customer by cohort and age: observed, then predicted.

    Args:
        orders: the store.
        max_days: age up to which the curves go, 0 to 730.
        as_of: last day included; by default the store's as-of day.
        by: what makes the cohorts: the ``month`` of acquisition, or ``channel``, ``country``, ``campaign``,
            ``discount``, ``product``, ``category`` or ``size`` of the first order, customers of all months together.

    Returns:
        One row per ``cohort`` and ``days`` since the first order: ``customers``, ``net_revenue_cents`` with its 80 %
        band, ``profit_cents``, ``reached_percent`` and ``complete``, false where some customers' part is predicted.
        ``cr.plots.cohort_money`` and ``cr.plots.cohort_heatmap`` draw it.

    Raises:
        InvalidParameter: ``max_days`` or ``by`` is outside of its values.
        NotEnoughData: nobody had bought by then.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     money = cr.money_by_cohort(cdnow, max_days=60, as_of="1997-03-31")
    >>> money[["cohort", "days", "complete"]].to_numpy().tolist()[:3]
    [['1997-01', 0, True], ['1997-01', 30, True], ['1997-01', 60, False]]
    """
    if not 0 <= max_days <= AGE_ENDS[-1]:
        raise InvalidParameter(f"max_days must be 0 to {AGE_ENDS[-1]}, not {max_days}")
    _check_by(by)
    store, when = orders.store.for_joins(), orders.store.as_of(as_day(as_of))
    margin = margin_rate(store, when, load_policy(orders.settings.policy).margin)
    body = cohort_report(store, when, margin, max_days, FirstDayBy(by))
    cohorts = cast("list[dict[str, Any]]", body["cohorts"])
    found = pd.json_normalize(cohorts, "curve", ["cohort", "customers"]).astype({"customers": int})
    found.attrs = {name: body[name] for name in ("by", "margin_percent", "margin_basis")}
    ids = ["cohort", "customers"]
    return found[[*ids, *(name for name in found.columns if name not in ids)]]


def _check_by(by: str) -> None:
    if by not in list(FirstDayBy):
        raise InvalidParameter(f"by: {by[:40]!r} is not one of {', '.join(FirstDayBy)}", list(FirstDayBy))


def _acquisition(
    orders: Orders, by: str, payback_days: int, as_of: DayLike | None, costs: Path | None
) -> dict[str, Any]:
    _check_by(by)
    if not 1 <= payback_days <= AGE_ENDS[-1]:
        raise InvalidParameter(f"payback_days must be 1 to {AGE_ENDS[-1]}, not {payback_days}")
    store, policy = orders.store.for_joins(), load_policy(orders.settings.policy)
    when = orders.store.as_of(as_day(as_of))
    margin = margin_rate(store, when, policy.margin)
    return acquisition_body(store, when, policy, margin, FirstDayBy(by), payback_days, costs)


def customer_base(
    orders: Orders, model: CustomerModel, as_of: DayLike | None, policy: Policy | None = None
) -> CustomerBase:
    """The customer base of a store as a fitted model sees it, by default as of the day of its fit."""
    when = orders.store.as_of(as_day(as_of) or model.as_of)
    loaded = LoadedModel(lambda: model.predictor_, "notebook", "", Path(), orders.info.currency)
    policy = policy or load_policy(orders.settings.policy, orders.settings.learned_effects)
    limits = ContactLimits(orders.settings.campaigns, policy.decisions)
    return CustomerBase(orders.store, when, policy, loaded, None, limits)
