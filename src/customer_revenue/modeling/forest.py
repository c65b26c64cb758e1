"""The trees of several boosters, evaluated together and without a branch per split.

QuickScorer (Lucchese et al. 2015, "QuickScorer: a fast algorithm to rank documents with additive ensembles of
regression trees"): every tree starts with one bit per leaf, from left to right. A split that sends a customer to the
right clears the bits of the leaves on its left; the lowest bit that remains is the leaf that the customer is in. What
the splits on one column clear depends only on the thresholds that its value lies between, so it is looked up for all
trees at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from customer_revenue.arrays import Floats
from customer_revenue.modeling.text_trees import TextTree

LEAF_BITS = 16
"""Maximum number of leaves of a tree."""

BLOCK_ROWS = 512
"""Customers that are evaluated together, so that their bits stay in the processor's cache."""

Bits = npt.NDArray[np.uint16]
ALL_LEAVES = np.uint16(2**LEAF_BITS - 1)

_DE_BRUIJN, _DE_BRUIJN_SHIFT = np.uint16(0x09AF), np.uint16(12)
"""A single bit times this constant has a different number in its upper four bits for each place of the bit."""


@dataclass(frozen=True)
class Split:
    """A split of a tree: values up to the threshold go to the left, or those of some categories.

    ``cleared`` has the bits of the leaves on its left. The threshold of a split by categories is the largest of them.
    """

    tree: int
    column: int
    threshold: float
    nan_goes_left: bool
    cleared: int
    categories: frozenset[int] = frozenset()


@dataclass(frozen=True)
class ColumnTable:
    """What remains of every tree's leaves by the bin of one column: one row per bin, the last for NaN."""

    column: int
    edges: Floats
    remaining: Bits

    @classmethod
    def of(cls, column: int, splits: Sequence[Split], trees: int) -> Self:
        """The table of the splits on one column."""
        found = [split.threshold for split in splits]
        if categories := max((split.threshold for split in splits if split.categories), default=-1.0) + 1:
            found += range(int(categories))
        edges = np.unique(found)
        remaining = np.full((len(edges) + 2, trees), ALL_LEAVES, dtype=np.uint16)
        for split in splits:
            kept = ALL_LEAVES & ~np.uint16(split.cleared)
            if split.categories:
                goes_right = ~np.isin(edges, list(split.categories))
                remaining[np.append(goes_right, [True, True]), split.tree] &= kept
                continue
            remaining[np.searchsorted(edges, split.threshold) + 1 : -1, split.tree] &= kept
            if not split.nan_goes_left:
                remaining[-1, split.tree] &= kept
        # NumPy sorts NaN behind infinity.
        return cls(column, np.append(edges, np.inf), remaining)


class Forest:
    """The summed leaves of boosters, as LightGBM's ``predict`` with ``raw_score``.

    Args:
        boosters: the trees of each, with the places of its features among the columns that :meth:`sums` is given.
    """

    def __init__(self, boosters: Sequence[tuple[Sequence[TextTree], Sequence[int]]]) -> None:
        splits: list[Split] = []
        values: list[Floats] = []
        starts = []
        for trees, columns in boosters:
            starts.append(len(values))
            for tree in trees:
                leaves = _Leaves(len(values), tree, columns)
                splits += leaves.walk(0 if len(tree.columns) else -1)
                values.append(leaves.placed())
        used = sorted({split.column for split in splits})
        self._tables = [ColumnTable.of(c, [s for s in splits if s.column == c], len(values)) for c in used]
        self._values = np.concatenate(values)
        self._offsets = (LEAF_BITS * np.arange(len(values))).astype(np.intp)
        self._starts = starts

    def sums(self, columns: Sequence[Floats]) -> Floats:
        """The sum of each booster's leaves (rows) for each customer (columns)."""
        rows, trees = len(columns[0]), len(self._offsets)
        found = np.empty((len(self._starts), rows))
        bins = [np.searchsorted(table.edges, columns[table.column]) for table in self._tables]
        remaining, own = np.empty((2, min(rows, BLOCK_ROWS), trees), dtype=np.uint16)
        for start in range(0, rows, BLOCK_ROWS):
            end = min(start + BLOCK_ROWS, rows)
            left = remaining[: end - start]
            left.fill(ALL_LEAVES)
            for table, places in zip(self._tables, bins, strict=True):
                # Clipping checks nothing, for every bin is in the table, and lets NumPy write to where it should.
                table.remaining.take(places[start:end], axis=0, out=own[: end - start], mode="clip")
                left &= own[: end - start]
            leaves = self._values.take(_place_of_lowest(left) + self._offsets)
            np.add.reduceat(leaves, self._starts, axis=1, out=found[:, start:end].T)
        return found


def _place_of_lowest(bits: Bits) -> Bits:
    return ((bits & -bits) * _DE_BRUIJN) >> _DE_BRUIJN_SHIFT


class _Leaves:
    """The leaves of a tree, collected from left to right."""

    def __init__(self, number: int, tree: TextTree, columns: Sequence[int]) -> None:
        self._number, self._tree, self._columns = number, tree, columns
        self._values: list[float] = []

    def walk(self, child: int) -> Iterator[Split]:
        """The splits from a child downwards."""
        tree = self._tree
        if child < 0:
            self._values.append(float(tree.leaf_values[-1 - child]))
            return
        first = len(self._values)
        yield from self.walk(int(tree.left[child]))
        cleared = (1 << len(self._values)) - (1 << first)
        yield from self.walk(int(tree.right[child]))
        column, categories = self._columns[tree.columns[child]], tree.categories[child]
        threshold = float(max(categories)) if categories else float(tree.thresholds[child])
        yield Split(self._number, column, threshold, bool(tree.nan_goes_left[child]), cleared, categories)

    def placed(self) -> Floats:
        """The values of the leaves, each at the place that its bit is turned into."""
        if len(self._values) > LEAF_BITS:
            raise ValueError(f"a tree has {len(self._values)} leaves; at most {LEAF_BITS} are possible")
        placed = np.zeros(LEAF_BITS)
        bits = np.left_shift(1, np.arange(len(self._values))).astype(np.uint16)
        placed[_place_of_lowest(bits)] = self._values
        return placed
