"""What happened is recorded next to the bundles and sent to MLflow afterwards, by the next command that reaches it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from customer_revenue import tracking
from customer_revenue.errors import ModelBusy, ModelNotFound, TrackingUnavailable
from customer_revenue.settings import RegistryOptions
from customer_revenue.tracking import QueuedRun
from customer_revenue.workflows.registry.champion import Change, changes, locked, note_sent
from customer_revenue.workflows.registry.model_card import write_run

logger = logging.getLogger(__name__)

SEND_SECONDS = 120.0
"""Maximum time of one run: that of a training uploads its bundle."""
CHANGE_SECONDS = 20.0
"""Maximum time of telling one change of the champion, or of tidying up."""
UNREGISTERED = "none"
"""Instead of a run: MLflow knows no version of the bundle."""


def deliver(registry: RegistryOptions) -> bool:
    """Send to MLflow what waits: runs, then changes of the champion. What cannot be sent goes on waiting.

    Returns:
        Whether nothing waits any more.
    """
    if not _waits(registry):
        return True
    try:
        with locked(registry.models, "tracking", 0):
            tracking.check_reachable(tracking.tracking_uri(registry))
            for run in tracking.queued(registry.models):
                _send_run(registry, run)
            for place, change in enumerate(changes(registry.models)):
                if change.run_id is None:
                    _send_change(registry, place, change)
    except ModelBusy:
        return False  # another command sends it just now
    except TrackingUnavailable as error:
        logger.warning(
            "%s; what happened is recorded in %s, and the next command that reaches MLflow sends it",
            error.message,
            registry.models,
        )
    return not _waits(registry)


def if_reachable(registry: RegistryOptions, tidy: Callable[[RegistryOptions, str], None], name: str) -> None:
    """Tidy up at the tracking server, unless it is away."""
    try:
        tracking.check_reachable(tracking.tracking_uri(registry))
        tracking.within(CHANGE_SECONDS, tidy, registry, name)
    except TrackingUnavailable as error:
        logger.warning("%s", error.message)


def _waits(registry: RegistryOptions) -> bool:
    return bool(tracking.queued(registry.models)) or any(change.run_id is None for change in changes(registry.models))


def _send_run(registry: RegistryOptions, run: QueuedRun) -> None:
    bundle = registry.models / run.document.get("bundle", "")
    if not bundle.is_dir():  # removed since: an interrupted training
        run.remove()
        return
    address = tracking.within(SEND_SECONDS, tracking.send, registry, run)
    if run.kind == tracking.TRAIN:
        write_run(bundle, address)
    run.remove()


def _send_change(registry: RegistryOptions, place: int, change: Change) -> None:
    words = {
        "at": change.at,
        "by": change.by,
        "why": change.why,
        "before": change.before or "none",
        "bundle": change.version,
    }
    try:
        run_id = tracking.within(CHANGE_SECONDS, tracking.log_change, registry, change.event, words, change.version)
    except ModelNotFound as error:
        logger.warning("%s", error.message)
        run_id = UNREGISTERED
    note_sent(registry.models, place, run_id)
