"""What all decisions of a shop on a day share; without the libraries that decide, since facts need none of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Terms:
    """What is the same for all decisions of a shop on a day.

    Args:
        margin: share of net revenue that remains after the cost of what was sold; the policy's assumption if ``None``.
        scale: factor of the effects that are not measured in this shop, of ``promise_scale``.
    """

    margin: float | None = None
    scale: float = 1.0
