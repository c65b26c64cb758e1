"""What all decisions of a shop on a day share; without the libraries that decide, since facts need none of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from customer_revenue.policy import Policy


@dataclass(frozen=True)
class Terms:
    """What is the same for all decisions of a shop on a day.

    Args:
        margin: share of net revenue that remains after the cost of what was sold; the policy's assumption if ``None``.
        scale: factor of the effects that are not measured in this shop, of ``promise_scale``.
        margin_basis: what the margin rests on: ``measured``, ``policy``, ``partly_assumed`` or
            ``assumed``.
    """

    margin: float | None = None
    scale: float = 1.0
    margin_basis: str = "assumed"

    def margin_share(self, policy: Policy) -> float:
        """The margin, or the one that the policy assumes."""
        return policy.margin.assumed_percent / 100 if self.margin is None else self.margin
