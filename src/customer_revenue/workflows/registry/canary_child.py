"""The process that tries a bundle: ``python -m customer_revenue.workflows.registry.canary_child FOLDER``.

Feature rows come as an Arrow stream on the standard input. The last line of the standard output is JSON with what is
wrong; the process may end in any other way, for which it is there.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from lightgbm import Booster

from customer_revenue.errors import CustomerRevenueError, NotEnoughData
from customer_revenue.modeling.bundle import load
from customer_revenue.modeling.predictor import Predictor

CPU_SECONDS = 60
MEMORY_BYTES = 8 * 1024**3
"""Of addresses: libraries reserve much more than they use."""


def main() -> None:
    """Load the bundle, predict for the rows and say what is wrong with it."""
    for kind, limit in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # a lower limit is in force
            resource.setrlimit(kind, (limit, limit))
    try:
        rows = pa.ipc.open_stream(sys.stdin.buffer).read_all()
        problem = problem_of(load(sys.argv[1]), rows)
    except CustomerRevenueError as error:
        problem = error.message
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
    sys.stdout.write(f"\n{json.dumps({'problem': ' '.join(problem.split())[:300]})}\n")


def problem_of(predictor: Predictor, rows: pa.Table) -> str:
    """What is wrong with the predictions for feature rows; empty if nothing is."""
    for text in predictor.to_texts().values():
        Booster(model_str=text)  # as LightGBM reads some of them where many customers are explained at once
    if not rows.num_rows:
        return ""
    try:
        predictions = predictor.predict(rows)
    except NotEnoughData:  # a model that has only facts
        return ""
    if predictions.num_rows != rows.num_rows:
        return f"it predicts {predictions.num_rows} rows for {rows.num_rows} customers"
    for name in predictions.column_names:
        column = predictions.column(name)
        if not pa.types.is_floating(column.type):
            continue
        values = pc.drop_null(column).to_numpy()
        if np.isinf(values).any():
            return f"it predicts an infinite {name}"
        if "probability" in name and ((values < 0) | (values > 1)).any():
            return f"it predicts a {name} outside 0 to 1"
    return ""


if __name__ == "__main__":
    main()
