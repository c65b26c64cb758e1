"""A snapshot of every customer as files that several processes map into their memory: Arrow's format, uncompressed.

A folder holds the tables and, written last, ``snapshot.json``. Matrices and columns of NumPy lie next to the tables.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from customer_revenue.actions.decide import DECISION_COLUMNS, Decisions
from customer_revenue.actions.terms import Terms
from customer_revenue.arrays import Floats
from customer_revenue.modeling.covariates import CovariateColumns
from customer_revenue.modeling.shap_reasons import ReasonInputs
from customer_revenue.workflows.customer_base.snapshot import (
    CustomerPredictions,
    CustomerSnapshot,
    Grouped,
    SnapshotTables,
)

SNAPSHOT_CONTENTS = "snapshot.json"
ROWS, PLACES, PREDICTIONS, INPUTS, DECISIONS = "rows", "places", "predictions", "inputs", "decisions"
GROUPS = ("months", "products")


@dataclass(frozen=True)
class KeptSnapshot:
    """A snapshot and the terms of its decisions."""

    snapshot: CustomerSnapshot
    terms: Terms


def write_snapshot(kept: KeptSnapshot, folder: Path) -> None:
    """Write a snapshot into an empty folder.

    Raises:
        OSError: it cannot be written, as on a full disk.
    """
    tables = kept.snapshot.tables
    _write(folder, ROWS, tables.rows)
    places = {"prediction": tables.prediction_places} | {name: getattr(tables, name).ends for name in GROUPS}
    _write(folder, PLACES, pa.table(places))
    for name in GROUPS:
        _write(folder, name, getattr(tables, name).rows)
    predictions = tables.predictions
    contents: dict[str, Any] = {
        "day": kept.snapshot.day.isoformat(),
        "terms": asdict(kept.terms),
    }
    if predictions is not None:
        inputs, decisions = predictions.reason_inputs, predictions.decisions
        assert decisions is not None
        _write(folder, PREDICTIONS, predictions.table)
        matrices = {"values": _as_lists(inputs.values)}
        if inputs.matrix is not None:
            matrices["matrix"] = _as_lists(inputs.matrix)
        _write(folder, INPUTS, pa.table(matrices))
        _write(folder, DECISIONS, pa.table({name: getattr(decisions, name) for name in DECISION_COLUMNS}))
        contents |= {"covariates": inputs.covariates.to_state(), "decided_scale": decisions.scale}
    (folder / SNAPSHOT_CONTENTS).write_text(json.dumps(contents), "utf-8")


def read_snapshot(folder: Path) -> KeptSnapshot:
    """Map a snapshot that is complete.

    Raises:
        OSError, ValueError, LookupError: it is not there, or is not one.
    """
    contents = json.loads((folder / SNAPSHOT_CONTENTS).read_text("utf-8"))
    places = _mapped(folder, PLACES)
    months, products = (Grouped(_mapped(folder, name), _numbers(places, name)) for name in GROUPS)
    predictions = _predictions(folder, contents) if "covariates" in contents else None
    tables = SnapshotTables(_mapped(folder, ROWS), predictions, _numbers(places, "prediction"), months, products)
    snapshot = CustomerSnapshot(dt.date.fromisoformat(contents["day"]), tables)
    return KeptSnapshot(snapshot, Terms(**contents["terms"]))


def _predictions(folder: Path, contents: Mapping[str, Any]) -> CustomerPredictions:
    inputs, decided = _mapped(folder, INPUTS), _mapped(folder, DECISIONS)
    matrix = _matrix(inputs, "matrix") if "matrix" in inputs.column_names else None
    reasons = ReasonInputs(matrix, _matrix(inputs, "values"), CovariateColumns.from_state(contents["covariates"]))
    decisions = Decisions(
        **{name: _numbers(decided, name) for name in DECISION_COLUMNS}, scale=contents["decided_scale"]
    )
    return CustomerPredictions(_mapped(folder, PREDICTIONS), reasons, decisions)


def _write(folder: Path, name: str, table: pa.Table) -> None:
    table = table.combine_chunks()
    with pa.OSFile(str(folder / f"{name}.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _mapped(folder: Path, name: str) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(folder / f"{name}.arrow"))).read_all()


def _numbers(table: pa.Table, name: str) -> Any:
    """A column as an array of NumPy, without a copy."""
    column = table.column(name)
    return column.chunk(0).to_numpy() if column.num_chunks else column.to_numpy()


def _as_lists(matrix: Floats) -> pa.Array:
    """A matrix as a column of its rows."""
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(matrix).ravel()), matrix.shape[1])


def _matrix(table: pa.Table, name: str) -> Floats:
    column = table.column(name)
    width = column.type.list_size
    rows = column.chunk(0) if column.num_chunks else pa.array([], column.type)
    return np.asarray(rows.flatten().to_numpy().reshape(len(rows), width), np.float64)
