"""How often learned uplift is used: campaigns whose effect is the same for all, and such in which some are moved only.

    python -m benchmarks.simulated_campaigns
    python -m benchmarks.simulated_campaigns --campaigns 1000 --customers 20000

An effect that is the same for all leaves nothing to choose by: each use is a mistake, however much was contacted.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from customer_revenue.arrays import Floats
from customer_revenue.workflows.campaigns.campaign_file import Member
from customer_revenue.workflows.campaigns.campaign_uplift import uplift_report

HOLD_OUT = 0.3
CONTACT_CENTS = 60.0
MARGIN = 0.4
Effect = Callable[[Floats], Floats]
"""Further chance to buy, by the share of a customer that can be persuaded."""
EFFECTS: dict[str, Effect] = {
    "no effect": lambda persuadable: np.zeros(len(persuadable)),
    "a little for all": lambda persuadable: np.full(len(persuadable), 0.03),
    "much for all": lambda persuadable: np.full(len(persuadable), 0.1),
    "half are moved, others put off": lambda persuadable: np.where(persuadable > 2 / 3, 0.15, -0.05),
}


def simulated_campaign(effect: Effect, customers: int, seed: int) -> tuple[list[Member], Floats]:
    """The customers of a campaign with what was predicted of them, and the profit of each in cents."""
    rng = np.random.default_rng(seed)
    chance, persuadable = rng.beta(1, 6, customers), rng.beta(4, 2, customers)
    revenue = chance * rng.lognormal(8.5, 0.5, customers)
    treated = rng.random(customers) >= HOLD_OUT
    bought = rng.random(customers) < np.clip(chance + treated * effect(persuadable), 0, 1)
    profit = MARGIN * bought * rng.lognormal(8.5, 0.5, customers) - treated * CONTACT_CENTS
    rows = zip(treated.tolist(), chance.tolist(), persuadable.tolist(), revenue.tolist(), strict=True)
    return [Member(f"c{i}", arm, "all", *predicted) for i, (arm, *predicted) in enumerate(rows)], profit


def main() -> None:
    """Print how often it was used, by effect."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--campaigns", type=int, default=120)
    parser.add_argument("--customers", type=int, default=5_000)
    asked = parser.parse_args()
    for name, effect in EFFECTS.items():
        reports = [uplift_report(*simulated_campaign(effect, asked.customers, seed)) for seed in range(asked.campaigns)]
        used = sum(bool(report["used"]) for report in reports)
        print(f"{name}: used in {used} of {asked.campaigns} campaigns of {asked.customers:,} customers", flush=True)


if __name__ == "__main__":
    main()
