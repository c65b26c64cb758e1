"""Plain maximum-likelihood fits by the package lifetimes, which differentiates exactly."""

from __future__ import annotations

import contextlib
import io
import threading
import warnings
from collections.abc import Iterator

import numpy as np

from customer_revenue.arrays import Floats
from customer_revenue.modeling.fitting import LOG_BOUND
from customer_revenue.modeling.purchase_histories import Histories

_ONE_AT_A_TIME = threading.RLock()
"""Autograd traces derivatives, and warnings are silenced, for the whole process."""


def fit_beta_geo(scaled: Histories) -> Floats | None:
    """The parameters r, alpha, a and b of BG/NBD, or None where lifetimes finds no maximum within the bounds.

    Args:
        scaled: distinct histories, with times scaled so that the longest T is 1.
    """
    with _quiet():
        # Imported here, since importing it warns and changes pandas, and answering a request never needs it.
        from lifetimes import BetaGeoFitter
        from lifetimes.utils import ConvergenceError

        fitter = BetaGeoFitter(penalizer_coef=0.0)
        try:
            fitter.fit(
                scaled.frequency,
                scaled.recency_days,
                scaled.T_days,
                weights=scaled.weights,
            )
        except ConvergenceError:
            return None
    logs = np.log(fitter.params_[["r", "alpha", "a", "b"]].to_numpy(dtype=np.float64))
    return np.exp(logs) if np.all(np.abs(logs) < LOG_BOUND) else None


def fit_gamma_gamma(x: Floats, m: Floats, weight: Floats) -> Floats | None:
    """The parameters p, q and v of Gamma-Gamma, or None where lifetimes finds no finite maximum.

    Args:
        x: days that each mean is over.
        m: mean spend of those days.
        weight: number of customers that share the pair.
    """
    with _quiet():
        from lifetimes import GammaGammaFitter
        from lifetimes.utils import ConvergenceError

        fitter = GammaGammaFitter(penalizer_coef=0.0)
        try:
            fitter.fit(x, m, weights=weight)
        except (ConvergenceError, ValueError):
            return None
    parameters = fitter.params_[["p", "q", "v"]].to_numpy(dtype=np.float64)
    return parameters if np.all(np.isfinite(parameters) & (parameters < 1e4)) else None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence autograd, which warns on its way to a maximum; only the result is checked."""
    with _ONE_AT_A_TIME, warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        with np.errstate(all="ignore"):
            yield
