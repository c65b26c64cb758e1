"""The types of NumPy arrays that functions take and return."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]
Marks = npt.NDArray[np.bool_]


def central_coverage(probability: Floats, mass: Floats) -> Floats:
    """The share of amounts that central intervals of a mass hold, where nothing happens with chance 1 - probability.

    An end at 0 leaves out nothing below; where even the upper end is 0 only the zeros are inside.

    >>> central_coverage(np.array([0.95, 0.5, 0.05]), np.array([0.8, 0.8, 0.8])).tolist()
    [0.8, 0.9, 0.95]
    """
    tail = (1 - mass) / 2
    return np.where(probability > 1 - tail, mass, np.maximum(1 - tail, 1 - probability))
