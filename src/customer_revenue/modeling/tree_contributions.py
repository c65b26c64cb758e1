"""What each feature contributes to the sum of trees: SHAP values by the paths to the leaves.

Lundberg et al. (2020), "From local explanations to global understanding with explainable AI for trees", in the form
that depends on the paths: a feature that is not known goes both ways, in the shares of the customers in training. For
one leaf of value v the Shapley value of feature i among those on its path is

    v (o_i - z_i) times the integral over u from 0 to 1 of the product over j != i of o_j u + z_j (1 - u),

where o_j is whether the customer takes the path at all splits on j, and z_j the share that takes it if j is not known:
the weights of the subsets are beta functions. The integrand is a polynomial, which Gauss and Legendre's rule
integrates exactly. It depends on the customer by the o_j alone, so that a table of each leaf has it for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from customer_revenue.arrays import Floats
from customer_revenue.modeling.text_trees import Indices, TextTree

FEW_ROWS = 8
"""Up to so many customers this is about as fast as LightGBM, and needs no import of it."""

MOST_IN_TABLE = 8
"""Up to so many features on the path to a leaf it has a table, of two to the power of them rows."""

_Path = tuple[tuple[int, bool, float], ...]
"""The splits to a leaf: each with whether the path goes left, and the share of the customers that did."""


class TreePaths:
    """The paths to all leaves of a booster's trees, and what its features contribute along them.

    Args:
        trees: of one booster.
    """

    def __init__(self, trees: Sequence[TextTree]) -> None:
        self._splitting = _Splits(trees)
        splits: list[int] = []
        """Of each step of a path that splits on the same feature as the steps next to it: the split that it passes."""
        to_left: list[bool] = []
        first_steps: list[int] = []
        """Of each feature on each path: its first step."""
        columns: list[int] = []
        shares: list[float] = []
        leaves: list[int] = []
        values: list[float] = []
        self._constant, passed = 0.0, 0
        for tree in trees:
            for leaf, path in _paths(tree, 0 if len(tree.columns) else -1, ()):
                value = float(tree.leaf_values[leaf])
                self._constant += value * float(np.prod([share for _, _, share in path]))
                for column in dict.fromkeys(int(tree.columns[split]) for split, _, _ in path):
                    steps = [step for step in path if tree.columns[step[0]] == column]
                    first_steps.append(len(splits))
                    columns.append(column)
                    shares.append(float(np.prod([share for _, _, share in steps])))
                    leaves.append(len(values))
                    splits += [passed + split for split, _, _ in steps]
                    to_left += [goes_left for _, goes_left, _ in steps]
                values.append(value)
            passed += len(tree.columns)
        self._splits, self._first_steps, self._columns = _places(splits), _places(first_steps), _places(columns)
        lengths = np.diff([*first_steps, len(splits)])
        self._further_steps = [
            (pairs := np.flatnonzero(lengths > step), self._first_steps[pairs] + step)
            for step in range(1, int(lengths.max(initial=1)))
        ]
        """Of the features that a path splits on more than once: their places, and their second, third, … steps."""
        self._to_left, self._shares = np.array(to_left, dtype=bool), np.array(shares)
        # A tree may be a single leaf, which has no features.
        numbers, self._first_of_leaf, self._leaf = np.unique(_places(leaves), return_index=True, return_inverse=True)
        """Of each leaf its first feature, and of each feature on a path its leaf."""
        self._make_tables(np.array(values)[numbers])

    def _make_tables(self, values: Floats) -> None:
        """What the features on the path to each leaf contribute, by which of their splits the customer takes."""
        bits: list[int] = []
        tables: list[Floats] = []
        bases: list[int] = []
        self._deep: list[tuple[slice, float]] = []
        """The features, and the value, of each leaf without a table."""
        used = 0
        for begin, end in pairwise([*self._first_of_leaf, len(self._leaf)]):
            width, value = int(end - begin), float(values[self._leaf[begin]])
            if width > MOST_IN_TABLE:
                self._deep.append((slice(begin, end), value))
                table, own_bits = np.zeros((1, width)), np.zeros(width, dtype=np.intp)
            else:
                own_bits = 1 << np.arange(width)
                taken = (np.arange(2**width)[:, None] & own_bits > 0).astype(np.float64)
                table = _parts(taken, self._shares[begin:end], value)
            bits += own_bits.tolist()
            bases += range(used, used + width)
            used += table.size
            tables.append(table.ravel())
        self._bits, self._bases = _places(bits), _places(bases)
        self._tables = np.concatenate(tables) if tables else np.empty(0)
        self._widths = np.bincount(self._leaf)[self._leaf] if len(self._leaf) else self._leaf

    def contributions(self, X: Floats) -> Floats:
        """Each feature's part of the sum of the trees' leaves, the constant last, one row per customer.

        Equal to LightGBM's ``predict`` with ``pred_contrib`` but for rounding.

        Args:
            X: one row per customer, one column per feature.
        """
        found = np.zeros((len(X), X.shape[1] + 1))
        found[:, -1] = self._constant
        if len(self._columns):
            for row, goes_left in zip(found, self._splitting.goes_left(X), strict=True):
                row[:-1] = self._of_one(goes_left, X.shape[1])
        return found

    def _of_one(self, goes_left: npt.NDArray[np.bool_], features: int) -> Floats:
        """The contributions of one customer, by whether each split would send them to the left."""
        passes = goes_left[self._splits] == self._to_left
        taken = passes[self._first_steps]
        for pairs, steps in self._further_steps:
            taken[pairs] &= passes[steps]
        rows = np.add.reduceat(taken * self._bits, self._first_of_leaf)
        parts = self._tables[self._bases + (rows[self._leaf] * self._widths)]
        for features_of_leaf, value in self._deep:
            own = taken[features_of_leaf].astype(np.float64)
            parts[features_of_leaf] = _parts(own[None], self._shares[features_of_leaf], value)[0]
        return np.bincount(self._columns, parts, minlength=features).astype(np.float64, copy=False)


def _parts(taken: Floats, shares: Floats, value: float) -> Floats:
    """What each feature (columns) on the path to a leaf contributes, for customers (rows) that take splits or not."""
    points, weights = np.polynomial.legendre.leggauss((len(shares) + 1) // 2)  # exact for a product of so many factors
    points, weights = points / 2 + 0.5, weights / 2
    factors = taken[:, :, None] * points + shares[:, None] * (1 - points)
    others = (factors.prod(axis=1, keepdims=True) / factors) @ weights
    return np.asarray(value * (taken - shares) * others)


class _Splits:
    """The splits of several trees, tried together."""

    def __init__(self, trees: Sequence[TextTree]) -> None:
        self._columns = np.concatenate([tree.columns for tree in trees]) if trees else _places([])
        self._thresholds = np.concatenate([tree.thresholds for tree in trees]) if trees else np.empty(0)
        self._nan_goes_left = np.array([nan for tree in trees for nan in tree.nan_goes_left], dtype=bool)
        categories = [own for tree in trees for own in tree.categories]
        self._categories = {split: list(own) for split, own in enumerate(categories) if own}

    def goes_left(self, X: Floats) -> npt.NDArray[np.bool_]:
        """Whether each split (columns) would send each customer (rows of features) to the left."""
        values = X[:, self._columns]
        found = np.where(np.isnan(values), self._nan_goes_left, values <= self._thresholds)
        for split, categories in self._categories.items():
            found[:, split] = np.isin(values[:, split], categories)
        return found


def _paths(tree: TextTree, child: int, path: _Path) -> Iterator[tuple[int, _Path]]:
    """Each leaf below a child, with its path."""
    if child < 0:
        yield -1 - child, path
        return
    for below, goes_left in ((int(tree.left[child]), True), (int(tree.right[child]), False)):
        share = tree.count(below) / tree.count(child)
        yield from _paths(tree, below, (*path, (child, goes_left, share)))


def _places(values: Sequence[int]) -> Indices:
    return np.array(values, dtype=np.intp)
