"""What is handed to pymc-marketing is taken by it, in an environment of its own, and gives the same parameters."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from dataclasses import asdict
from pathlib import Path

import pytest

import customer_revenue as cr

THEIRS = """
import json, sys
import pandas as pd
from pymc_marketing import clv
handed = json.load(open(sys.argv[1]))
data = pd.DataFrame(handed["data"])
purchases = getattr(clv, handed["model_class"])(model_config=handed["model_config"])
purchases.fit(data=data, method="map", start=handed["initvals"], progressbar=False)
spend = clv.GammaGammaModel(model_config=handed["spend_config"])
spend.fit(data=data[data["frequency"] > 0], method="map", start=handed["spend_initvals"], progressbar=False)
found = {**purchases.fit_result.mean(("chain", "draw")), **spend.fit_result.mean(("chain", "draw"))}
print(json.dumps({name: float(value) for name, value in found.items() if value.ndim == 0}))
"""


@pytest.mark.exhaustive  # what is handed over is tried without an environment in its docstring
def test_pymc_marketing_goes_on_from_our_fit(tmp_path: Path) -> None:
    python, uv = tmp_path / "environment" / "bin" / "python", [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, python.parents[1]], check=True)
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", python, "pymc-marketing"], check=True)
    with cr.load_cdnow(sample=True) as cdnow, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        features = cdnow.features(as_of="1997-09-30")
        features["monetary_cents"] = features["monetary_cents"] / 100
        model = cr.ProbabilityModel("bg_nbd", penalizer=0.0).fit(features)
    handed = asdict(model.for_pymc_marketing(features))
    handed["data"] = handed["data"].to_dict("list")
    (tmp_path / "handed.json").write_text(json.dumps(handed))
    command = [str(python), "-c", THEIRS, str(tmp_path / "handed.json")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    theirs = json.loads(done.stdout.strip().splitlines()[-1])
    for name, ours in model.parameters_.iterrows():
        # Theirs is the mode of the parameters and ours that of their logarithms: less than a standard error apart.
        assert theirs[name] == pytest.approx(ours["value"], abs=ours["standard_error"]), name
