"""The whole policy, and how it is read."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError, model_validator

from customer_revenue.errors import InvalidPolicy
from customer_revenue.policy.action_rules import Actions, Rule
from customer_revenue.policy.decision_rules import DecisionRules, Effect, Effects
from customer_revenue.policy.gate_and_monitoring import Gate, Monitoring
from customer_revenue.policy.learned_effects import LearnedEffect, joined, read_learned
from customer_revenue.policy.margin import Margin
from customer_revenue.policy.offer_rules import SITUATIONS, Offers, Retention
from customer_revenue.policy.section import PolicyError, Section
from customer_revenue.policy.segmentation import Acquisition, Activity, Lifecycle, Rfm, Segments
from customer_revenue.policy.toml_file import read_toml
from customer_revenue.policy.toml_lines import line_of
from customer_revenue.policy.trades import SHOP, Trade, with_trade
from customer_revenue.policy.upsell_and_forecast import ForecastRules, Upsell

USUAL_FILE = Path("data/policy.toml")
"""The setting's default, which need not be there; what is saved from the page is written there."""


class Policy(Section):
    """The whole policy; ``trade`` is that of the texts which it does not state itself."""

    trade: Trade = SHOP
    segments: Segments
    lifecycle: Lifecycle
    activity: Activity
    rfm: Rfm
    margin: Margin
    acquisition: Acquisition
    decisions: DecisionRules
    effects: Effects
    actions: Actions
    offers: Offers
    retention: Retention
    upsell: Upsell
    forecast: ForecastRules
    gate: Gate
    monitoring: Monitoring

    @model_validator(mode="after")
    def _check(self) -> Policy:
        known = {rung.name for ladder in self.segments.ladders.values() for rung in ladder}
        for position, name in self.actions.named_segments():
            if name not in known:
                raise PolicyError(f"{name!r} is a segment of no ladder", "actions", "rules", position, "segments")
        for position, rule in enumerate(self.actions.rules):
            if rule.effect not in self.effects:
                names = ", ".join(self.effects)
                raise PolicyError(
                    f"{rule.effect!r} is not one of the effects {names}", "actions", "rules", position, "effect"
                )
        for name in self.offers.segments:
            if name not in known:
                raise PolicyError(f"{name!r} is a segment of no ladder", "offers", "segments", name)
        keys = {f"{segment}_{situation}" for segment in known for situation in SITUATIONS}
        for key in self.retention.strategies:
            if key not in keys:
                raise PolicyError(
                    f"unknown key: {key!r} joins no segment and situation", "retention", "strategies", key
                )
        ladder = [rung.name for rung in self.segments.active]
        for section, check in (("offers", self.offers.check_ladder), ("retention", self.retention.check_ladder)):
            try:
                check(ladder)
            except PolicyError as fault:
                raise PolicyError(str(fault), section, *fault.where) from None
        return self


def load_policy(path: Path | None = None, learned: Path | None = None, without: str | None = None) -> Policy:
    """The packaged policy, overridden key by key by a file, with the effects that campaigns have measured.

    Args:
        path: file of the user's own; :data:`USUAL_FILE` counts if it is there.
        learned: file of the learned effects.
        without: a campaign whose record is left out.

    Raises:
        InvalidPolicy: a file cannot be read, is not TOML, or breaks a rule; names the key and its line.
    """
    policy = _overridden(path)
    records = [] if learned is None else read_learned(learned)
    kept = [record for record in records if record.campaign != without]
    return with_learned(policy, kept) if kept else policy


def believed_of(rule: Rule, policy: Policy) -> Effect:
    """What a policy believes of a rule's action."""
    return Effect.of_uplift(rule.uplift) if rule.uplift else policy.effects[rule.effect]


def with_learned(policy: Policy, records: Collection[LearnedEffect]) -> Policy:
    """A policy whose actions have the effects that were measured; records of actions that it does not know are left."""
    effects, rules = dict(policy.effects), list(policy.actions.rules)
    for place, rule in enumerate(rules):
        own = [record for record in records if record.action == rule.code]
        if own:
            name = f"{rule.code}, learned"
            effects[name] = joined(believed_of(rule, policy), own)
            rules[place] = rule.model_copy(update={"effect": name, "uplift": None})
    actions = policy.actions.model_copy(update={"rules": tuple(rules)})
    return policy.model_copy(update={"effects": effects, "actions": actions})


def _overridden(path: Path | None) -> Policy:
    packaged = resources.files("customer_revenue").joinpath("policy.toml").read_text("utf-8")
    merged: dict[str, Any] = tomllib.loads(packaged)
    text = ""
    if path is not None and (path != USUAL_FILE or path.exists()):
        own, text = read_toml(path, "policy")
        merged = _merge(with_trade(merged, own.get("trade", merged["trade"])), own)
    try:
        return Policy.model_validate(merged)
    except ValidationError as error:
        source = str(path) if path else "the packaged policy"
        raise InvalidPolicy(_first_problem(error, source, text or packaged)) from None


def _merge(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in own.items():
        known = merged.get(key)
        merged[key] = _merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _first_problem(error: ValidationError, source: str, text: str) -> str:
    problem = error.errors()[0]
    cause = problem.get("ctx", {}).get("error")
    path: tuple[str | int, ...] = problem["loc"] + (cause.where if isinstance(cause, PolicyError) else ())
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        message = "unknown key"
    elif problem["type"] == "missing":
        message = "is missing"
    line = line_of(path, text)
    name = ".".join(str(part + 1) if isinstance(part, int) else part for part in path)
    return f"{source}{f', line {line}' if line else ''}: {name}: {message}"
