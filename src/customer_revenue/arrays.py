"""The types of NumPy arrays that functions take and return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]
Marks = npt.NDArray[np.bool_]


def numbers_of(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    """The numbers of a column without nulls. Unlike ``to_numpy``, this does not import pandas, which takes longer.

    >>> import pyarrow as pa
    >>> numbers_of(pa.chunked_array([[1, 2], [3]])).tolist(), numbers_of(pa.chunked_array([], "int32")).dtype
    ([1, 2, 3], dtype('int32'))
    """
    chunks = [np.from_dlpack(chunk) for chunk in column.chunks]
    return np.concatenate(chunks) if chunks else np.zeros(0, str(column.type))


def central_coverage(probability: Floats, mass: Floats) -> Floats:
    """The share of amounts that central intervals of a mass hold, where nothing happens with chance 1 - probability.

    An end at 0 leaves out nothing below; where even the upper end is 0 only the zeros are inside.

    >>> central_coverage(np.array([0.95, 0.5, 0.05]), np.array([0.8, 0.8, 0.8])).tolist()
    [0.8, 0.9, 0.95]
    """
    tail = (1 - mass) / 2
    return np.where(probability > 1 - tail, mass, np.maximum(1 - tail, 1 - probability))
