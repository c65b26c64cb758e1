"""What each feature contributes to the sum of trees: SHAP values by the paths to the leaves.

Lundberg et al. (2020), "From local explanations to global understanding with explainable AI for trees", in the form
that depends on the paths: a feature that is not known goes both ways, in the shares of the customers in training. For
one leaf of value v the Shapley value of feature i among those on its path is

    v (o_i - z_i) times the integral over u from 0 to 1 of the product over j != i of o_j u + z_j (1 - u),

where o_j is whether the customer takes the path at all splits on j, and z_j the share that takes it if j is not known:
the weights of the subsets are beta functions. The integrand is a polynomial, which Gauss and Legendre's rule
integrates exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from customer_revenue.arrays import Floats
from customer_revenue.modeling.text_trees import Indices, TextTree

FEW_ROWS = 8
"""Up to so many customers this is about as fast as LightGBM, and needs no import of it."""

_POINTS, _WEIGHTS = (values / 2 for values in np.polynomial.legendre.leggauss(8))
_POINTS = _POINTS + 0.5
"""Exact for the paths of trees with at most 16 leaves."""

_Path = tuple[tuple[int, bool, float], ...]
"""The splits to a leaf: each with whether the path goes left, and the share of the customers that did."""


class TreePaths:
    """The paths to all leaves of a booster's trees, and what its features contribute along them.

    Args:
        trees: of one booster.
    """

    def __init__(self, trees: Sequence[TextTree]) -> None:
        self._trees = trees
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
        self._to_left, self._shares = np.array(to_left, dtype=bool), np.array(shares)
        own = np.array(leaves, dtype=np.intp)
        self._values = np.array(values)[own] if len(own) else np.empty(0)
        self._first_of_leaf, self._leaf = np.unique(own, return_index=True, return_inverse=True)[1:]

    def contributions(self, X: Floats) -> Floats:
        """Each feature's part of the sum of the trees' leaves, the constant last, one row per customer.

        Equal to LightGBM's ``predict`` with ``pred_contrib`` but for rounding.

        Args:
            X: one row per customer, one column per feature.
        """
        found = np.zeros((len(X), X.shape[1] + 1))
        found[:, -1] = self._constant
        if len(self._columns):
            for row, goes_left in zip(found, self._goes_left(X), strict=True):
                row[:-1] = self._of_one(goes_left, X.shape[1])
        return found

    def _goes_left(self, X: Floats) -> npt.NDArray[np.bool_]:
        return np.concatenate([tree.goes_left(X) for tree in self._trees], axis=1)

    def _of_one(self, goes_left: npt.NDArray[np.bool_], features: int) -> Floats:
        """The contributions of one customer, by whether each split would send them to the left."""
        passes = goes_left[self._splits] == self._to_left
        taken = np.logical_and.reduceat(passes, self._first_steps).astype(np.float64)
        factors = taken[:, None] * _POINTS + self._shares[:, None] * (1 - _POINTS)
        of_leaf = np.multiply.reduceat(factors, self._first_of_leaf, axis=0)
        others = (of_leaf[self._leaf] / factors) @ _WEIGHTS
        parts = self._values * (taken - self._shares) * others
        return np.bincount(self._columns, parts, minlength=features).astype(np.float64, copy=False)


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
