"""Orders of simulated customers whose true parameters are known, in the generic format.

Purchases follow BG/NBD (Fader, Hardie & Lee 2005) and spend follows Gamma-Gamma (Fader & Hardie 2013), in days and
cents.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from customer_revenue.arrays import Floats

CUSTOMERS_PER_CHUNK = 100_000
_MICROSECONDS_PER_DAY = 86_400_000_000

Integers = npt.NDArray[np.int64]

SIMULATED_SCHEMA = pa.schema(
    {
        "order_id": pa.string(),
        "user_id": pa.string(),
        "created_at": pa.timestamp("us"),
        "total_cents": pa.int64(),
        "status": pa.string(),
    }
)


@dataclass(frozen=True)
class Shop:
    """The true parameters of a simulated shop. The defaults give 3.5 orders per customer over two years.

    >>> loyal = simulate_orders(customers=100, days=365, seed=1, shop=Shop(a=0.1, b=10))
    >>> loyal.num_rows > simulate_orders(customers=100, days=365, seed=1).num_rows
    True
    """

    r: float = 0.8
    """Shape of the distribution of purchase rates over customers."""
    alpha_days: float = 60.0
    """Scale of that distribution: while active, customers buy ``r / alpha_days`` times per day on average."""
    a: float = 0.8
    b: float = 2.4
    """The dropout probability after a repeat purchase is distributed as Beta(a, b) over customers."""
    p: float = 6.25
    q: float = 3.74
    v_cents: float = 1544.0
    """Order values in cents are Gamma(p, rate nu), where nu is Gamma(q, rate v) over customers."""
    refunded_share: float = 0.0
    """Share of orders with status ``refunded``."""


def simulate_orders(
    customers: int, days: int, seed: int, shop: Shop | None = None, first_day: dt.date = dt.date(2023, 1, 1)
) -> pa.Table:
    """Simulate orders as one table. Use ``write_simulated_orders`` for more than fits in memory.

    Args:
        customers: number of customers.
        days: length of the observation in days. Each customer's first order is at a uniformly random time in it.
        seed: the same seed gives the same orders.
        shop: the true parameters, by default ``Shop()``.
        first_day: first day of the observation.

    >>> simulate_orders(customers=3, days=90, seed=1).column_names
    ['order_id', 'user_id', 'created_at', 'total_cents', 'status']
    """
    return pa.concat_tables(_chunks(customers, days, seed, shop or Shop(), first_day))


def write_simulated_orders(
    path: Path,
    customers: int,
    days: int,
    seed: int,
    shop: Shop | None = None,
    first_day: dt.date = dt.date(2023, 1, 1),
) -> int:
    """Write simulated orders as Parquet, in chunks of customers. The arguments are those of ``simulate_orders``.

    Returns:
        The number of orders.
    """
    written = 0
    with pq.ParquetWriter(path, SIMULATED_SCHEMA) as writer:
        for chunk in _chunks(customers, days, seed, shop or Shop(), first_day):
            writer.write_table(chunk)
            written += chunk.num_rows
    return written


def _chunks(customers: int, days: int, seed: int, shop: Shop, first_day: dt.date) -> Iterator[pa.Table]:
    starts = range(0, customers, CUSTOMERS_PER_CHUNK)
    seeds = np.random.SeedSequence(seed).spawn(len(starts))
    for start, chunk_seed in zip(starts, seeds, strict=True):
        size = min(CUSTOMERS_PER_CHUNK, customers - start)
        yield _chunk(np.random.default_rng(chunk_seed), start, size, days, shop, first_day)


def _chunk(rng: np.random.Generator, start: int, size: int, days: int, shop: Shop, first_day: dt.date) -> pa.Table:
    customer, position, time = _purchases(rng, size, days, shop)
    total = _totals(rng, customer, size, shop)
    refunded = rng.random(len(customer)) < shop.refunded_share
    midnight = np.datetime64(first_day, "us").astype(np.int64)
    created = midnight + (time * _MICROSECONDS_PER_DAY).astype(np.int64) // 1_000_000 * 1_000_000
    user_id = pc.binary_join_element_wise("c", pa.array(start + customer).cast(pa.string()), "")
    table = pa.table(
        {
            "order_id": pc.binary_join_element_wise("o", user_id, pa.array(position).cast(pa.string()), "-"),
            "user_id": user_id,
            "created_at": pa.array(created).cast(pa.timestamp("us")),
            "total_cents": pa.array(total),
            "status": pc.if_else(pa.array(refunded), "refunded", "paid"),
        },
        schema=SIMULATED_SCHEMA,
    )
    return table.sort_by("created_at")


def _purchases(rng: np.random.Generator, size: int, days: int, shop: Shop) -> tuple[Integers, Integers, Floats]:
    """Return each order's customer, position among the customer's orders and time in days, by customer and time.

    Repeat purchases are a Poisson process until the end of the observation, cut off after the purchase at which the
    customer drops out. Given their number, their times are uniform.
    """
    first = rng.uniform(0, days, size)
    rate = rng.gamma(shop.r, 1 / shop.alpha_days, size)
    dropout = np.clip(rng.beta(shop.a, shop.b, size), 1e-12, None)
    repeats_until_dropout = np.minimum(rng.geometric(dropout), np.iinfo(np.int64).max)
    repeats = rng.poisson(rate * (days - first))
    customer = np.concatenate([np.arange(size), np.repeat(np.arange(size), repeats)])
    left = (days - first)[customer]
    wait = np.concatenate([np.zeros(size), rng.random(int(repeats.sum()))])
    time = first[customer] + wait * left
    order = np.lexsort((time, customer))
    customer, time = customer[order], time[order]
    begins = np.concatenate([[0], np.cumsum(repeats + 1)[:-1]])
    position = np.arange(len(customer)) - begins[customer]
    alive = position <= repeats_until_dropout[customer]
    return customer[alive], position[alive], time[alive]


def _totals(rng: np.random.Generator, customer: Integers, size: int, shop: Shop) -> Integers:
    nu = rng.gamma(shop.q, 1 / shop.v_cents, size)
    return np.maximum(np.rint(rng.gamma(shop.p, 1 / nu[customer])), 1).astype(np.int64)
