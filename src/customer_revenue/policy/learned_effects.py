"""Effects that campaigns of the shop have measured: dated records next to the policy, joined with what it believes."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from pydantic import Field, TypeAdapter, ValidationError

from customer_revenue.errors import InvalidPolicy
from customer_revenue.policy.decision_rules import Effect
from customer_revenue.policy.section import Section
from customer_revenue.policy.toml_file import read_toml
from customer_revenue.policy.uplift_trees import UpliftTrees

LEARNED_HEADER = """\
# What campaigns of this shop have measured, written by `customer-revenue campaign learn`. The effect of each action is
# joined with that of the policy by precision. `campaign unlearn`, or taking an entry out, undoes it.
"""
LEAST_WEIGHT = 0.5
"""Of what was measured, for the joined effect to be called measured."""


class LearnedEffect(Section):
    """What one campaign measured of its action: points of conversion among those who could be persuaded.

    ``uplift``: whom the contact moves, where choosing by it earned more than every simple rule.
    """

    campaign: str = Field(min_length=1)
    action: str = Field(min_length=1)
    measured_points: float = Field(ge=-100, le=100)
    measured_spread: float = Field(gt=0)
    started_on: dt.date
    measured_on: dt.date
    learned_on: dt.date
    uplift: UpliftTrees | None = None


_RECORDS = TypeAdapter(list[LearnedEffect])


def read_learned(path: Path) -> list[LearnedEffect]:
    """The records of a file, oldest first; none where there is no file.

    Raises:
        InvalidPolicy: the file cannot be read, or is not one of these.
    """
    try:
        if not path.exists():
            return []
        entries, _ = read_toml(path, "learned effects")
        if set(entries) - {"learned"}:
            raise InvalidPolicy(f"{path} has more than [[learned]] entries")
        return _RECORDS.validate_python(entries.get("learned", []))
    except OSError as error:
        raise InvalidPolicy(f"cannot read the learned effects {path}: {error}") from None
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in problem["loc"])
        raise InvalidPolicy(f"{path}: learned.{where}: {problem['msg']}") from None


def written_learned(records: Sequence[LearnedEffect]) -> str:
    """The records as the text of their file."""
    parts = [LEARNED_HEADER]
    for record in records:
        parts.append("\n".join(["[[learned]]", *_lines(record.model_dump(exclude={"uplift"})), ""]))
        if record.uplift is not None:
            parts.append("\n".join(["[learned.uplift]", *_lines(record.uplift.model_dump(mode="json")), ""]))
    return "\n".join(parts)


def _lines(values: Mapping[str, object]) -> list[str]:
    return [
        f"{name} = {json.dumps(value, ensure_ascii=False) if isinstance(value, str) else value}"
        for name, value in values.items()
    ]


def joined(believed: Effect, measured: Collection[LearnedEffect]) -> Effect:
    """An effect, what was measured of it joined with what was believed, each weighed by its precision.

    It is called measured where the measurements have at least half of the weight, or the last one taught whom the
    contact moves: before that it rests on what was believed.

    >>> day = dt.date(2024, 5, 1)
    >>> record = LearnedEffect(campaign="a", action="b", measured_points=2, measured_spread=0.5, started_on=day,
    ...                        measured_on=day, learned_on=day)
    >>> found = joined(Effect(conversion_points=1, conversion_spread=0.5), [record])
    >>> found.conversion_points, round(found.conversion_spread, 3), found.basis
    (1.5, 0.354, 'measured')
    """
    if not measured:
        return believed
    before = believed.conversion_spread**-2
    weights = [record.measured_spread**-2 for record in measured]
    total = before + sum(weights)
    points = zip(weights, measured, strict=True)
    mean = (before * believed.conversion_points + sum(weight * one.measured_points for weight, one in points)) / total
    campaigns = ", ".join(f"{one.campaign} ({one.started_on} to {one.measured_on})" for one in measured)
    uplift = max(measured, key=lambda one: one.measured_on).uplift
    rests_on_it = uplift is not None or sum(weights) >= LEAST_WEIGHT * total
    return believed.model_copy(
        update={
            "conversion_points": mean,
            "conversion_spread": total**-0.5,
            "basis": "measured" if rests_on_it else believed.basis,
            "source": f"Campaign {campaigns}" if rests_on_it else f"{believed.source}; campaign {campaigns}",
            "measured_on": max(one.measured_on for one in measured) if rests_on_it else believed.measured_on,
            "uplift": uplift,
        }
    )
