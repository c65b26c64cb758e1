"""Who of a campaign's audience is held out: by a keyed hash within strata; and what such a campaign can find."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from customer_revenue.arrays import Ints, Marks

LEVEL_OF_TEST = 0.05
POWER = 0.8


def held_out(customer_ids: Sequence[str], strata: Ints, share: float, key: bytes) -> Marks:
    """Who is held out: the same customers each time, whom nobody can know without the key.

    Args:
        customer_ids: of the audience.
        strata: of each; the share is kept within every one of them, as far as whole customers allow.
        share: to be held out, between 0 and 1.
        key: secret of the campaign.

    >>> held_out(["a", "b", "c", "d"], np.zeros(4, np.int64), 0.5, b"key").sum()
    np.int64(2)
    """
    digests = [hmac.digest(key, customer.encode(), hashlib.sha256)[:8] for customer in customer_ids]
    hashes = np.array([int.from_bytes(digest, "big") for digest in digests], np.uint64)
    order = np.lexsort((hashes, strata))
    # One customer in 1 / share along the strata; the first of them is drawn by the key as well.
    start = int.from_bytes(hmac.digest(key, b"", hashlib.sha256)[:8], "big") / 2**64
    steps = np.floor(share * np.arange(1, len(order) + 1) + start)
    chosen = np.zeros(len(order), np.bool_)
    chosen[order] = np.diff(steps, prepend=np.floor(start)) > 0
    return chosen


def power_of(points: float, rate: float, treated: int, control: int) -> float:
    """The chance that a difference in the share of buyers is found at the 5 % level.

    Args:
        points: difference, in points.
        rate: share of buyers without the campaign.
        treated: number of customers who are contacted.
        control: number of those held out.
    """
    spread = _spread(points, rate, treated, control)
    return float(ndtr(abs(points) / 100 / spread - ndtri(1 - LEVEL_OF_TEST / 2)))


def detectable_points(rate: float, treated: int, control: int) -> float:
    """The difference in points that is found with a chance of 80 %."""
    needed = ndtri(1 - LEVEL_OF_TEST / 2) + ndtri(POWER)
    return float(100 * needed * _spread(0.0, rate, treated, control))


def customers_needed(points: float, rate: float, share: float) -> int | None:
    """How many customers a campaign needs to find a difference with a chance of 80 %; ``None`` for no difference.

    Args:
        points: difference, in points.
        rate: share of buyers without the campaign.
        share: that is held out, between 0 and 1.

    >>> customers_needed(1.0, 0.1, 0.5)
    28256
    """
    if not points or not 0 < share < 1:
        return None
    needed = ndtri(1 - LEVEL_OF_TEST / 2) + ndtri(POWER)
    variance = rate * (1 - rate) * (1 / (1 - share) + 1 / share)
    return int(np.ceil(variance * (100 * needed / points) ** 2))


def _spread(points: float, rate: float, treated: int, control: int) -> float:
    lifted = min(max(rate + points / 100, 0.0), 1.0)
    return float(np.sqrt(lifted * (1 - lifted) / treated + rate * (1 - rate) / control) + 1e-12)
