"""Expected purchases of an alive customer, with Erlang-k gaps and a chance of dropout after each purchase."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.special import betainc, gammaln, hyp2f1, softmax, xlogy

from customer_revenue.arrays import Floats
from customer_revenue.modeling.purchase_histories import Histories

TOLERANCE = 1e-9
MAX_TERMS = 5_000

PHASE_PARTS = 5
"""Equal parts that stand for the posterior of many phases: four digits of the expected purchases."""


def expected_while_alive(
    horizon_days: float, rows: Histories, k: int, r: float | Floats, alpha: float | Floats, a: float | Floats, b: Floats
) -> Floats:
    """Expected purchases within the horizon, given alive now and a Beta(a, b) posterior of the dropout probability.

    For k = 1 the closed form of Fader, Hardie & Lee (2005), eq. 10, where it is finite; else, and for a near 1, where
    the closed form is 0 / 0, the series that it sums.
    """
    if horizon_days <= 0:
        return np.zeros(len(rows))
    r, alpha, a = (np.broadcast_to(value, b.shape) for value in (r, alpha, a))
    if k > 1:
        return _series(horizon_days, rows, k, r, alpha, a, b)
    expected = _closed_form(horizon_days, rows, r, alpha, a, b)
    ceiling = (r + rows.frequency) * horizon_days / (alpha + rows.T_days)
    bad = ~(np.isfinite(expected) & (expected >= 0) & (expected <= ceiling * (1 + 1e-9)))
    bad |= np.abs(a - 1) < 1e-6
    if bad.any():
        expected[bad] = _series(horizon_days, rows.take(bad), k, r[bad], alpha[bad], a[bad], b[bad])
    return expected


def _closed_form(horizon_days: float, rows: Histories, r: Floats, alpha: Floats, a: Floats, b: Floats) -> Floats:
    shape = r + rows.frequency
    z = horizon_days / (alpha + rows.T_days + horizon_days)
    with np.errstate(all="ignore"):
        sum_of_series = hyp2f1(shape, b, a + b - 1, z) * np.exp(shape * np.log1p(-z))
        return np.asarray((a + b - 1) / (a - 1) * (1 - sum_of_series))


def _series(horizon_days: float, rows: Histories, k: int, r: Floats, alpha: Floats, a: Floats, b: Floats) -> Floats:
    """Sum over n of P(at least n purchases without dropout) * P(no dropout after the first n - 1).

    The Poisson phases in the horizon are negative binomial; a purchase takes k of them, less the phases that the
    present gap already has behind it, whose number is known through the silence so far.
    """
    z = horizon_days / (alpha + rows.T_days + horizon_days)
    phase, done = _phases_done(rows, k, r, alpha)
    shape = r + k * rows.frequency + phase
    total = np.zeros(len(rows))
    passes = np.ones(len(rows))
    active = np.arange(len(rows))
    for n in range(1, MAX_TERMS + 1):
        needed = n * k - phase[:, active]
        reached = np.sum(done[:, active] * betainc(needed, shape[:, active], z[active]), axis=0)
        term = passes[active] * reached
        total[active] += term
        passes[active] *= (b[active] + n - 1) / (a[active] + b[active] + n - 1)
        active = active[term > TOLERANCE * total[active] * (1 - z[active])]
        if not len(active):
            break
    return total


def _phases_done(rows: Histories, k: int, r: Floats, alpha: Floats) -> tuple[Floats, Floats]:
    """Phases of the present gap that may have passed, and their posterior; one column per customer.

    Many phases are summed up by the means of equal parts of their posterior.
    """
    phase = np.arange(k, dtype=np.float64)[:, None]
    shape = r + k * rows.frequency + phase
    share = (rows.T_days - rows.recency_days) / (alpha + rows.T_days)
    logs = gammaln(shape) - gammaln(phase + 1) + xlogy(phase, share)
    done = np.asarray(softmax(logs, axis=0))
    if k <= PHASE_PARTS:
        return np.broadcast_to(phase, done.shape), done
    upper = np.cumsum(done, axis=0)
    lower = np.vstack([np.zeros(len(rows)), upper[:-1]])
    ends = np.linspace(0, 1, PHASE_PARTS + 1)
    means = [
        phase[:, 0] @ np.maximum(np.minimum(upper, end) - np.maximum(lower, start), 0) * PHASE_PARTS
        for start, end in pairwise(ends)
    ]
    return np.stack(means), np.full((PHASE_PARTS, len(rows)), 1 / PHASE_PARTS)
