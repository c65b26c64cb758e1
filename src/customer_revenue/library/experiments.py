"""Training and promotion from Python, with the same effects as the commands of the same names."""

from __future__ import annotations

from customer_revenue.console import silent
from customer_revenue.library.frame_columns import DayLike, as_day
from customer_revenue.library.orders import Orders
from customer_revenue.settings import with_changes
from customer_revenue.workflows.registry.champion import Change
from customer_revenue.workflows.registry.champion import promote as promote_version
from customer_revenue.workflows.registry.champion import rollback as restore_previous
from customer_revenue.workflows.training.result import TrainingResult
from customer_revenue.workflows.training.train import train as run_training


def train(orders: Orders, as_of: DayLike | None = None, **changes: object) -> TrainingResult:
    """Train, back-test and track a run in MLflow, as ``customer-revenue train --set …`` does.

    Without changes, the model becomes champion if it passes the gate, see ``result.verdict``. With changes, the run is
    an experiment for comparison, and the champion stays.

    Args:
        orders: the store; its settings say where models and runs are kept.
        as_of: last day included in training; by default the store's as-of day.
        changes: options of the models or settings by name, see ``docs/experiments.md``.

    Raises:
        InvalidParameter: a name or a value is invalid.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     try:
    ...         cr.train(cdnow, forests=3)
    ...     except cr.CustomerRevenueError as error:
    ...         print(error)
    --set takes NAME=VALUE, not 'forests=3'
    """
    settings = with_changes(orders.settings, [f"{name}={value}" for name, value in changes.items()])
    return run_training(settings, as_day(as_of), silent, make_it_current=not changes)


def promote(orders: Orders, version: str, why: str, *, force: bool = False) -> Change | None:
    """Make a trained version the champion, as ``customer-revenue promote`` does.

    Args:
        orders: the store that it was trained on; its settings say where models and runs are kept.
        version: ``result.version`` of a training.
        why: the reason, recorded with the change.
        force: promote although the gate refused the version or, for an experiment, did not judge it.

    Returns:
        The recorded change, or None if the version is already champion.

    Raises:
        ModelNotFound: there is no such version.
        GateRefused: the gate refused it.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     try:
    ...         cr.promote(cdnow, "best", why="it is the best")
    ...     except cr.CustomerRevenueError as error:
    ...         print(error.code)
    model_not_found
    """
    return promote_version(orders.settings.registry, version, why, force=force)


def rollback(orders: Orders, why: str) -> Change:
    """Make the previous champion the champion again, as ``customer-revenue rollback`` does.

    Args:
        orders: the store; its settings say where models and runs are kept.
        why: the reason, recorded with the change.

    Raises:
        NoEarlierChampion: there is no previous champion.

    >>> import customer_revenue as cr
    >>> with cr.load_cdnow(sample=True) as cdnow:
    ...     try:
    ...         cr.rollback(cdnow, why="it was better before")
    ...     except cr.CustomerRevenueError as error:
    ...         print(error.code)
    no_earlier_champion
    """
    return restore_previous(orders.settings.registry, why)
