"""Trees in LightGBM's text format, read without LightGBM: to answer about one customer its import takes the longest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from customer_revenue.arrays import Floats

Indices = npt.NDArray[np.intp]

CATEGORICAL, DEFAULT_LEFT = 1, 2
MISSING_TYPES = ("None", "Zero", "NaN")
"""What LightGBM takes for missing, by the number in the third and fourth bit of a split's decision type."""


@dataclass(frozen=True)
class TextTree:
    """A tree: its splits, whose values up to the threshold go to the left, or those of some categories, and its leaves.

    A child is the number of a split, or ``-1 - n`` for leaf n; the first split is the root. The counts are of the
    customers that it was trained on.
    """

    columns: Indices
    thresholds: Floats
    nan_goes_left: npt.NDArray[np.bool_]
    categories: tuple[frozenset[int], ...]
    """Of each split those that go to the left; empty for a split on a number."""
    left: Indices
    right: Indices
    leaf_values: Floats
    leaf_counts: Floats
    split_counts: Floats

    @classmethod
    def of(cls, lines: Mapping[str, str]) -> Self:
        """The tree that these lines of the format describe, by their names.

        Raises:
            ValueError: zero stands for missing, or what is there is no tree.
        """
        splits = int(lines["num_leaves"]) - 1

        def numbers(name: str, length: int) -> Floats:
            found = np.array(lines[name].split() if length else [], dtype=np.float64)
            if len(found) != length:
                raise ValueError(f"a tree has {len(found)} of {length} numbers in {name}")
            return found

        kinds, thresholds = numbers("decision_type", splits).astype(np.intp), numbers("threshold", splits)
        missing = (kinds >> 2) & 3
        categorical = kinds & CATEGORICAL != 0
        if np.any(~categorical & (missing == MISSING_TYPES.index("Zero"))):
            raise ValueError("not a split on a number: zero stands for missing")
        left, right = numbers("left_child", splits).astype(np.intp), numbers("right_child", splits).astype(np.intp)
        if sorted([*left, *right]) != [*range(-splits - 1, 0), *range(1, splits)] and splits:
            raise ValueError("the splits of a tree are not those of a tree")
        # Where training saw no NaN, LightGBM reads it as 0.
        by_default = missing == MISSING_TYPES.index("NaN")
        return cls(
            numbers("split_feature", splits).astype(np.intp),
            thresholds,
            ~categorical & np.where(by_default, kinds & DEFAULT_LEFT != 0, thresholds >= 0),
            _categories(lines, thresholds, categorical),
            left,
            right,
            numbers("leaf_value", splits + 1),
            numbers("leaf_count", splits + 1 if splits else 0),
            numbers("internal_count", splits),
        )

    def count(self, child: int) -> float:
        """Customers that came to a child when the tree was trained."""
        return float(self.split_counts[child] if child >= 0 else self.leaf_counts[-1 - child])


def read_trees(text: str) -> list[TextTree]:
    """The trees of a booster in LightGBM's text format.

    Raises:
        ValueError: it is no such text, a tree is cut off, or zero stands for missing.
    """
    if "\nend of trees" not in text:
        raise ValueError("the text of a booster does not come to the end of its trees")
    head, *blocks = text.partition("\nend of trees")[0].split("\nTree=")
    if not head.startswith("tree\n") or "\nversion=v4\n" not in head:
        raise ValueError("not LightGBM's text format, version 4")
    trees, features = [TextTree.of(dict(_pairs(block))) for block in blocks], feature_count(text)
    if any(np.any((tree.columns < 0) | (tree.columns >= features)) for tree in trees):
        raise ValueError(f"a tree splits on a feature that is not among its {features}")
    return trees


def feature_count(text: str) -> int:
    """The number of features that a booster in LightGBM's text format was trained on."""
    found: str = dict(_pairs(text.partition("\nTree=")[0]))["max_feature_idx"]
    return int(found) + 1


def _categories(
    lines: Mapping[str, str], thresholds: Floats, categorical: npt.NDArray[np.bool_]
) -> tuple[frozenset[int], ...]:
    """The categories that each split sends to the left: the threshold of such a split numbers its set of bits."""
    if not categorical.any():
        return (frozenset(),) * len(thresholds)
    ends = [int(end) for end in lines["cat_boundaries"].split()]
    words = [int(word) for word in lines["cat_threshold"].split()]

    def of(number: int) -> frozenset[int]:
        bits = words[ends[number] : ends[number + 1]]
        return frozenset(32 * i + bit for i, word in enumerate(bits) for bit in range(32) if word >> bit & 1)

    return tuple(
        of(int(threshold)) if is_set else frozenset() for threshold, is_set in zip(thresholds, categorical, strict=True)
    )


def _pairs(block: str) -> Iterator[tuple[str, str]]:
    for line in block.splitlines()[1:]:
        name, _, value = line.partition("=")
        yield name, value
