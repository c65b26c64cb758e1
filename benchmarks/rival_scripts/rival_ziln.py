"""A network with the zero-inflated lognormal loss of Wang, Liu and Miao (2019), from features of one horizon earlier.

Two hidden layers of 64 and 32, as in the authors' example; revenue and the probability of any, no purchase counts. The
mean of the lognormal is ``exp(mu + sigma^2 / 2)``, and the quantiles are those of the mixture with zero.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from rival_contract import run, windows
from scipy.stats import norm

EPOCHS, BATCH, LEARNING_RATE, PATIENCE, HELD_OUT = 400, 256, 1e-3, 20, 0.1


def loss_of(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The classification loss, and the lognormal one where anything was spent."""
    bought = (y > 0).float()
    sigma = torch.clamp(torch.nn.functional.softplus(logits[:, 2]), min=1e-3)
    spent = torch.where(y > 0, y, torch.ones_like(y))
    lognormal = -torch.distributions.LogNormal(logits[:, 1], sigma).log_prob(spent)
    chance = torch.nn.functional.binary_cross_entropy_with_logits(logits[:, 0], bought)
    return chance + (bought * lognormal).mean()


def forecast(orders: pd.DataFrame, cutoff: pd.Timestamp, horizon: int) -> pd.DataFrame:
    torch.manual_seed(0)
    torch.set_num_threads(1)  # a network so small is faster so
    before, happened, now = windows(orders, cutoff, horizon)
    logged, later_logged = (np.log1p(rows.clip(lower=0)) for rows in (before, now))
    # What nobody had in training would be extrapolated by the exponential of the mean.
    later_logged = later_logged.clip(logged.min(), logged.max(), axis=1)
    mean, scale = logged.mean(), logged.std().replace(0, 1)
    x, later = (torch.tensor(((rows - mean) / scale).to_numpy(np.float32)) for rows in (logged, later_logged))
    spent = happened["revenue"].to_numpy(float)
    unit = float(
        np.exp(np.log(spent[spent > 0]).mean())
    )  # so that the network's first guess is the shop's usual amount
    y = torch.tensor((spent / unit).astype(np.float32))
    order = torch.randperm(len(x))
    held, used = order[: int(HELD_OUT * len(x))], order[int(HELD_OUT * len(x)) :]
    network = torch.nn.Sequential(
        torch.nn.Linear(x.shape[1], 64),
        torch.nn.ReLU(),
        torch.nn.Linear(64, 32),
        torch.nn.ReLU(),
        torch.nn.Linear(32, 3),
    )
    optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    least, since, best = float("inf"), 0, network.state_dict()
    for _ in range(EPOCHS):
        for rows in used[torch.randperm(len(used))].split(BATCH):
            optimizer.zero_grad()
            loss_of(network(x[rows]), y[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            now_held = float(loss_of(network(x[held]), y[held]))
        since += 1
        if now_held < least:
            least, since, best = now_held, 0, {name: value.clone() for name, value in network.state_dict().items()}
        if since >= PATIENCE:
            break
    network.load_state_dict(best)
    with torch.no_grad():
        found = network(later)
        p, mu = torch.sigmoid(found[:, 0]).double().numpy(), found[:, 1].double().numpy()
        sigma = torch.nn.functional.softplus(found[:, 2]).double().numpy()
    given = {"customer_id": now.index, "revenue": unit * p * np.exp(mu + sigma**2 / 2), "probability": p}
    for name, chance in (("low", 0.1), ("median", 0.5), ("high", 0.9)):
        inside = (chance - (1 - p)) / p
        given[f"revenue_{name}"] = unit * np.where(
            inside > 0, np.exp(mu + sigma * norm.ppf(inside.clip(1e-12, 1))), 0.0
        )
    return pd.DataFrame(given)


if __name__ == "__main__":
    run(forecast)
