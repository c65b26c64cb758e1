"""Texts by trade: complete, of the same decisions, and without what another trade sells."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from customer_revenue.errors import InvalidPolicy
from customer_revenue.policy import Policy, load_policy
from customer_revenue.policy.trades import TRADES

DISCOUNT = re.compile(r"discount|% off", re.IGNORECASE)
FOREIGN = {
    "shop": r"premium features|renewal|subscription|account manager",
    "subscription": r"account manager|order list",
    "b2b": r"premium features|renewal",
}


def policy_of(folder: Path, text: str) -> Policy:
    path = folder / "policy.toml"
    path.write_text(text)
    return load_policy(path)


def texts(policy: Policy) -> list[str]:
    offers = [*policy.offers.segments.values(), policy.offers.first_time_buyer]
    return [
        *(rule.text for rule in policy.actions.rules),
        *(offer.message for offer in offers),
        *policy.retention.strategies.values(),
    ]


@pytest.mark.parametrize("trade", TRADES)
def test_a_trade_changes_texts_and_nothing_else(tmp_path: Path, trade: str) -> None:
    policy, packaged = policy_of(tmp_path, f'trade = "{trade}"\n'), load_policy()
    assert policy.trade == trade
    assert (texts(policy) == texts(packaged)) == (trade == "shop")
    assert not [text for text in texts(policy) if re.search(FOREIGN[trade], text, re.IGNORECASE)]
    for rule, same in zip(policy.actions.rules, packaged.actions.rules, strict=True):
        assert rule.model_copy(update={"text": same.text}) == same
        assert bool(DISCOUNT.search(rule.text)) == rule.needs_discount
    for name, offer in policy.offers.segments.items():
        assert offer.model_copy(update={"message": ""}) == packaged.offers.segments[name].model_copy(
            update={"message": ""}
        )


def test_texts_of_ones_own_count_before_the_trades(tmp_path: Path) -> None:
    offer = '[offers.segments.whale]\nmessage = "Mine: {discount}%"\n'
    policy = policy_of(tmp_path, f'trade = "b2b"\n{offer}[retention.strategies]\nlow_value_new = "X"\n')
    assert policy.offers.segments["whale"].message == "Mine: {discount}%"
    assert policy.retention.strategies["low_value_new"] == "X"
    assert policy.offers.segments["high_value"].message.startswith("As a valued account")


def test_an_unknown_trade_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidPolicy, match=r"line 1: trade: .*'shop', 'subscription' or 'b2b'"):
        policy_of(tmp_path, 'trade = "bakery"\n')


def test_every_text_of_a_trade_is_of_something(tmp_path: Path) -> None:
    packaged = load_policy()
    written = tomllib.loads(resources.files("customer_revenue").joinpath("trades.toml").read_text("utf-8"))
    for trade in written.values():
        assert set(trade["actions"]) <= {rule.code for rule in packaged.actions.rules}
        assert set(trade["offers"]) <= {*packaged.offers.segments, "first_time_buyer"}
        assert set(trade["retention"]) <= set(packaged.retention.strategies)
