"""Texts by trade: what a shop, a subscription and a supplier of businesses say for the same decision."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any, Literal, get_args

Trade = Literal["shop", "subscription", "b2b"]

TRADES: tuple[Trade, ...] = get_args(Trade)
SHOP: Trade = "shop"
"""The trade that the texts of the packaged policy are of."""


def with_trade(policy: Mapping[str, Any], trade: object) -> dict[str, Any]:
    """A policy, not checked yet, with the texts of a trade; an unknown trade is left to the check.

    Args:
        policy: the packaged one.
        trade: one of :data:`TRADES`.
    """
    found = {**policy, "trade": trade}
    if trade not in TRADES or trade == SHOP:
        return found
    text = resources.files("customer_revenue").joinpath("trades.toml").read_text("utf-8")
    texts = tomllib.loads(text)[str(trade)]
    rules = [{**rule, "text": texts["actions"].get(rule["code"], rule["text"])} for rule in policy["actions"]["rules"]]
    offers = dict(policy["offers"])
    own = {name: {**offers["segments"].get(name, {}), **said} for name, said in texts["offers"].items()}
    first = own.pop("first_time_buyer", {})
    offers |= {"segments": {**offers["segments"], **own}, "first_time_buyer": {**offers["first_time_buyer"], **first}}
    strategies = {**policy["retention"]["strategies"], **texts["retention"]}
    return {
        **found,
        "actions": {**policy["actions"], "rules": rules},
        "offers": offers,
        "retention": {**policy["retention"], "strategies": strategies},
    }
