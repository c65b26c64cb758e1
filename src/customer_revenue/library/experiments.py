"""Training from Python: the run, the bundle and the registered model that ``customer-revenue train`` makes."""

from __future__ import annotations

from customer_revenue.console import silent
from customer_revenue.library.frame_columns import DayLike, as_day
from customer_revenue.library.orders import Orders
from customer_revenue.settings import with_changes
from customer_revenue.workflows.registry.champion import Change
from customer_revenue.workflows.registry.champion import promote as let_answer
from customer_revenue.workflows.registry.champion import rollback as take_back
from customer_revenue.workflows.training.result import TrainingResult
from customer_revenue.workflows.training.train import train as run


def train(orders: Orders, as_of: DayLike | None = None, **changes: object) -> TrainingResult:
    """Train, back-test and track a run in MLflow, as ``customer-revenue train --set …`` does.

    Without changes the model becomes the champion if it passes the gate, see ``result.verdict``. With changes the
    model in use stays as it is: the run is an experiment, there to be compared.

    Args:
        orders: the store; its settings say where models and runs are kept.
        as_of: last day that training may know; by default the store's moment.
        changes: options of the models or settings, by name, see ``docs/experiments.md``.

    Raises:
        InvalidParameter: a name or a value is wrong.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     try:
    ...         cr.train(cdnow, forests=3)
    ...     except cr.CustomerRevenueError as error:
    ...         print(error)
    --set takes NAME=VALUE, not 'forests=3'
    """
    settings = with_changes(orders.settings, [f"{name}={value}" for name, value in changes.items()])
    return run(settings, as_day(as_of), silent, make_it_current=not changes)


def promote(orders: Orders, version: str, why: str, *, force: bool = False) -> Change | None:
    """Let a trained version answer from now on, as ``customer-revenue promote`` does; None where it does already.

    Args:
        orders: the store that it was trained on; its settings say where models and runs are kept.
        version: ``result.version`` of a training.
        why: the reason, kept with the change.
        force: whatever the gate said; an experiment was never asked.

    Raises:
        ModelNotFound: there is no such version.
        GateRefused: the gate did not pass it.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     try:
    ...         cr.promote(cdnow, "best", why="it is the best")
    ...     except cr.CustomerRevenueError as error:
    ...         print(error.code)
    model_not_found
    """
    return let_answer(orders.settings.registry, version, why, force=force)


def rollback(orders: Orders, why: str) -> Change:
    """Let the champion before the present one answer again, as ``customer-revenue rollback`` does.

    Args:
        orders: the store; its settings say where models and runs are kept.
        why: the reason, kept with the change.

    Raises:
        ModelNotFound: there was none.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     try:
    ...         cr.rollback(cdnow, why="it was better before")
    ...     except cr.CustomerRevenueError as error:
    ...         print(error.code)
    model_not_found
    """
    return take_back(orders.settings.registry, why)
