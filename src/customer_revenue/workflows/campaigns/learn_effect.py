"""Take over what a campaign measured into the effects of the policy, and back."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from filelock import FileLock

from customer_revenue.errors import InvalidParameter
from customer_revenue.policy import LearnedEffect, UpliftTrees, read_learned, written_learned
from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.campaigns.campaign_file import Campaign


def learn_effect(path: Path, campaign: Campaign, report: Body, uplift: UpliftTrees | None = None) -> LearnedEffect:
    """Record what a finished campaign measured.

    Args:
        path: of the learned effects.
        campaign: the campaign.
        report: of it, at its fixed date.
        uplift: whom the contact moves, where the report says that it may be used.

    Raises:
        InvalidParameter: it has not ended, its split does not look random, nobody of it could be persuaded, or it was
            learned before.
    """
    found = cast("dict[str, Any] | None", report["updated_effect"])
    if found is None:
        raise InvalidParameter(f"campaign: {campaign.name} has no result before {campaign.ends_on}")
    if warnings := cast("list[str]", report["warnings"]):
        raise InvalidParameter(f"campaign: {campaign.name} cannot be learned from: {warnings[0]}", warnings[1:])
    record = LearnedEffect(
        campaign=campaign.name,
        action=campaign.action,
        measured_points=found["measured_points"],
        measured_spread=found["measured_spread"],
        started_on=campaign.started_on,
        measured_on=campaign.ends_on,
        learned_on=dt.datetime.now(dt.UTC).date(),
        uplift=uplift,
    )
    with _changing(path) as records:
        if any(known.campaign == campaign.name for known in records):
            raise InvalidParameter(f"campaign: {campaign.name} is learned already; unlearn it first")
        _write(path, [*records, record])
    return record


def unlearn_effect(path: Path, name: str) -> LearnedEffect:
    """Take a campaign's record out again, whether the campaign is still there or not.

    Raises:
        InvalidParameter: it was not learned; names those that were.
    """
    names = [record.campaign for record in read_learned(path)]
    if name not in names:
        raise InvalidParameter(f"campaign: {name[:60]!r} was not learned; learned: {', '.join(names) or 'none'}", names)
    with _changing(path) as records:
        found = next(record for record in records if record.campaign == name)
        _write(path, [record for record in records if record is not found])
    return found


@contextmanager
def _changing(path: Path) -> Iterator[Sequence[LearnedEffect]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        yield read_learned(path)


def _write(path: Path, records: Sequence[LearnedEffect]) -> None:
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        draft.write_text(written_learned(records), "utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
