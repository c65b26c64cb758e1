"""The prediction log: what was predicted for whom, when, and by which version; Parquet by day and worker.

A row is one customer, day, version and horizon. There are ids in it and no names; whoever is forgotten in the store is
forgotten here too. Files are written whole and never changed in place; a row that comes twice counts once.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from customer_revenue.tables import PREDICTION_LOG_SCHEMA

KEY = ("customer_id", "as_of", "horizon_days", "model_version")
DAY_PREFIX = "day="


def write_rows(folder: Path, rows: pa.Table, worker: str) -> None:
    """Add rows to the log: a file in the folder of each day, which a reader sees whole or not at all."""
    for day in pc.unique(rows.column("as_of")).to_pylist():
        name = f"{worker}-{uuid.uuid4().hex[:12]}.parquet"
        part = rows.filter(pc.equal(rows.column("as_of"), pa.scalar(day, pa.date32())))
        _write(part, folder / f"{DAY_PREFIX}{day}" / name)


def sampled(rows: pa.Table, share: float) -> pa.Table:
    """The rows of a share of the customers: always the same ones, whoever writes them."""
    if share >= 1:
        return rows
    import pandas as pd  # only where a share is logged: it takes 22 MB

    hashes = pd.util.hash_array(rows.column("customer_id").to_numpy(zero_copy_only=False))
    return rows.filter(pa.array(hashes < np.uint64(share * 2**64)))


def read_log(folder: Path, first_day: dt.date | None = None, last_day: dt.date | None = None) -> pa.Table:
    """The rows of some days, each once, as first predicted."""
    tables = [
        pq.read_table(path, schema=PREDICTION_LOG_SCHEMA, partitioning=None)
        for day, path in _files(folder)
        if (first_day is None or day >= first_day) and (last_day is None or day <= last_day)
    ]
    return _once(pa.concat_tables(tables)) if tables else PREDICTION_LOG_SCHEMA.empty_table()


def forget_in_log(folder: Path, customer_id: str) -> int:
    """Remove a customer from the log; returns the number of rows removed."""
    removed = 0
    for _, path in _files(folder):
        rows = pq.read_table(path, schema=PREDICTION_LOG_SCHEMA, partitioning=None)
        kept = rows.filter(pc.not_equal(rows.column("customer_id"), customer_id))
        if kept.num_rows < rows.num_rows:
            removed += rows.num_rows - kept.num_rows
            _replace([path], kept)
    return removed


def customers_in_log(folder: Path) -> set[str]:
    """The ids of all customers in the log."""
    found: set[str] = set()
    for _, path in _files(folder):
        found |= set(pc.unique(pq.read_table(path, columns=["customer_id"], partitioning=None)[0]).to_pylist())
    return found


def tidy(folder: Path, known: pa.Array, today: dt.date) -> None:
    """Bring the files of each worker and past day into one, and drop customers that the store does not know any more.

    So the rows go that a running service wrote while a person was being forgotten.
    """
    by_day_and_worker: dict[tuple[dt.date, str], list[Path]] = {}
    for day, path in _files(folder):
        worker = path.stem.rpartition("-")[0]
        by_day_and_worker.setdefault((day, worker if day < today else path.stem), []).append(path)
    for paths in by_day_and_worker.values():
        rows = pa.concat_tables(pq.read_table(path, schema=PREDICTION_LOG_SCHEMA, partitioning=None) for path in paths)
        kept = rows.filter(pc.is_in(rows.column("customer_id"), value_set=known))
        if len(paths) > 1 or kept.num_rows < rows.num_rows:
            _replace(paths, _once(kept))


def _replace(paths: Sequence[Path], rows: pa.Table) -> None:
    """One file with these rows instead of some; whoever reads in between may see rows twice, and counts them once."""
    worker = paths[0].stem.rpartition("-")[0]
    if rows.num_rows:
        _write(rows, paths[0].with_name(f"{worker}-{uuid.uuid4().hex[:12]}.parquet"))
    for path in paths:
        path.unlink(missing_ok=True)


def _once(rows: pa.Table) -> pa.Table:
    rows = rows.sort_by("predicted_at")
    others = [name for name in PREDICTION_LOG_SCHEMA.names if name not in KEY]
    first = rows.group_by(list(KEY), use_threads=False).aggregate([(name, "first") for name in others])
    return first.rename_columns([*KEY, *others]).select(PREDICTION_LOG_SCHEMA.names)


def _files(folder: Path) -> list[tuple[dt.date, Path]]:
    found = sorted(folder.glob(f"{DAY_PREFIX}*/[!.]*.parquet"))
    return [(dt.date.fromisoformat(path.parent.name.removeprefix(DAY_PREFIX)), path) for path in found]


def _write(rows: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}")
    try:
        pq.write_table(rows.select(PREDICTION_LOG_SCHEMA.names).cast(PREDICTION_LOG_SCHEMA), draft, compression="zstd")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
