"""Apply a function to the rows of a query, batch by batch, and write the results to a file in bounded memory."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

BatchFunction = Callable[[pa.RecordBatch], pa.RecordBatch]
"""Returns one result per row. On a cluster it is pickled and called in other processes."""


@dataclass(frozen=True)
class BatchTotals:
    """The number of rows, and the sums of some columns of the results."""

    rows: int
    sums: Mapping[str, float]


def map_batches(
    batches: Iterator[pa.RecordBatch],
    function: BatchFunction,
    schema: pa.Schema,
    sum_columns: Sequence[str],
    path: Path | None,
) -> BatchTotals:
    """Write the results as CSV or Parquet, by the file's ending. A draft replaces the file when it is complete.

    Args:
        batches: the rows, in batches.
        function: returns the results of a batch.
        schema: the schema of the results.
        sum_columns: columns of the results to sum up.
        path: the file. Without one, the results are only summed up.
    """
    rows, sums = 0, Counter[str]()
    with _writer(path, schema) as write:
        for batch in batches:
            found = function(batch)
            rows += found.num_rows
            sums.update({name: float(found.column(name).sum().as_py()) for name in sum_columns})
            write(found)
    return BatchTotals(rows, {name: float(sums[name]) for name in sum_columns})


@contextmanager
def _writer(path: Path | None, schema: pa.Schema) -> Iterator[Callable[[pa.RecordBatch], Any]]:
    if path is None:
        yield lambda _batch: None
        return
    import pyarrow.csv
    import pyarrow.parquet

    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    kind = pyarrow.csv.CSVWriter if path.suffix.lower() == ".csv" else pyarrow.parquet.ParquetWriter
    try:
        with kind(draft, schema) as writer:
            yield writer.write_batch
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
