"""pymc-marketing with ``method="map"`` in place of sampling."""

from __future__ import annotations

from functools import partial

from rival_contract import run
from rival_pymc_marketing import forecast

if __name__ == "__main__":
    run(partial(forecast, method="map"))
