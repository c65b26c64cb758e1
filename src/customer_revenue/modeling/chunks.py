"""Process many customers in chunks: bounded memory, arrays that fit the processor's cache, and all cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import pyarrow as pa
from threadpoolctl import threadpool_limits

CHUNK_ROWS = 16_384
MAX_THREADS = 8
ChunkResult = TypeVar("ChunkResult")


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Run linear algebra in one thread: threads of BLAS wait for each other, and for ours, by spinning."""
    with threadpool_limits(1, user_api="blas"):
        yield


def map_chunks(function: Callable[[pa.Table], ChunkResult], table: pa.Table) -> list[ChunkResult]:
    """The function of each part of a table, in order; NumPy, SciPy and LightGBM run side by side in threads.

    A table of one chunk, as when the service answers, is not handed to another thread.
    """
    parts = [table.slice(start, CHUNK_ROWS) for start in range(0, table.num_rows, CHUNK_ROWS)] or [table]
    if len(parts) == 1:
        return [function(table)]
    with ThreadPoolExecutor(min(os.cpu_count() or 1, MAX_THREADS)) as pool:
        return list(pool.map(function, parts))
