"""Trees that say what a contact earns from a customer, as numbers in a file."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from customer_revenue.policy.section import PolicyError, Section

Place = Annotated[int, Field(ge=-1)]


class UpliftTrees(Section):
    """Regression trees whose values add up to the profit, in cents, that a contact brings.

    Nodes have their places in the lists. ``left`` and ``right`` are those of the next nodes, of customers whose
    ``column`` is up to the ``threshold``, and above; -1 for a leaf, which has a ``value``. ``roots``: the first node of
    each tree.
    """

    roots: tuple[Place, ...]
    column: tuple[Place, ...]
    threshold: tuple[float, ...]
    left: tuple[Place, ...]
    right: tuple[Place, ...]
    value: tuple[float, ...]

    @model_validator(mode="after")
    def _check(self) -> UpliftTrees:
        count = len(self.value)
        if {len(self.column), len(self.threshold), len(self.left), len(self.right)} != {count}:
            raise PolicyError("the lists of nodes have different lengths", "value")
        # Next nodes come later, so that every customer reaches a leaf.
        for name in ("left", "right"):
            if any(later >= count or -1 < later <= place for place, later in enumerate(getattr(self, name))):
                raise PolicyError("a next node has to come later", name)
        if any(not 0 <= root < count for root in self.roots):
            raise PolicyError("a tree begins at no node", "roots")
        return self
