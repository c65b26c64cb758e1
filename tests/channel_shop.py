"""Orders of a simulated shop whose customers differ by the channel of their first order."""

from __future__ import annotations

import numpy as np
import pandas as pd

DAYS = 400
PURCHASES_A_DAY = {"till": 0.03, "web": 0.01, "fair": 0.0005}


def channel_orders(customers: int, seed: int) -> pd.DataFrame:
    """Orders of customers whose rate is that of the channel of their first one; the country says nothing."""
    rng = np.random.default_rng(seed)
    channel, country = rng.choice(list(PURCHASES_A_DAY), customers), rng.choice(["at", "be", "ch"], customers)
    first = rng.integers(0, DAYS - 30, customers)
    n = 1 + rng.poisson((DAYS - first) * np.array([PURCHASES_A_DAY[name] for name in channel]))
    who = np.repeat(np.arange(customers), n)
    is_first = np.diff(who, prepend=-1) > 0
    day = np.where(is_first, first[who], rng.integers(first[who], DAYS))
    return pd.DataFrame(
        {
            "customer": [f"{channel[i]}{i:05d}" for i in who],
            "date": pd.Timestamp("2023-01-01") + pd.to_timedelta(day, unit="D"),
            "amount": rng.integers(20, 60, len(who)),
            "channel": channel[who],
            "country": country[who],
        }
    )
