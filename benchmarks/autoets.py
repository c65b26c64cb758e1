"""AutoETS of statsforecast on the months that ``benchmarks.forecast --write`` wrote; in an environment of its own.

    python -m venv ets && ets/bin/pip install statsforecast
    ets/bin/python benchmarks/autoets.py months.json

statsforecast does not go with pandas 3, and so with this package: nothing of it is imported here.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from pathlib import Path

import numpy as np

SEASON_MONTHS = 12
LEAST_MONTHS = 4


def main() -> None:
    """Print the mean absolute error and the bias, as shares of the mean month."""
    warnings.simplefilter("ignore")
    auto_ets = importlib.import_module("statsforecast.models").AutoETS
    errors: list[float] = []
    came: list[float] = []
    for row in json.loads(Path(sys.argv[1]).read_text("utf-8")):
        past, actual = np.array(row["past"], np.float64), np.array(row["came"], np.float64)
        if len(past) < LEAST_MONTHS or not len(actual):
            continue
        season = SEASON_MONTHS if len(past) >= 2 * SEASON_MONTHS else 1
        try:
            forecast = auto_ets(season_length=season).forecast(y=past, h=len(actual))["mean"]
        except NotImplementedError:  # it takes no history of a few months
            print(f"{row['end']}: too few months for AutoETS")
            continue
        errors += (forecast - actual).tolist()
        came += actual.tolist()
    error = np.array(errors) / np.mean(came)
    print(f"AutoETS, {len(came)} months: MAE {np.abs(error).mean():.1%}  bias {error.mean():+.1%}")


if __name__ == "__main__":
    main()
