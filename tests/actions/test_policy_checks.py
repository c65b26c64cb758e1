"""A policy that breaks its rules is refused by name and line; a partial one overrides key by key."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from customer_revenue.errors import InvalidPolicy
from customer_revenue.policy import load_policy
from customer_revenue.policy.toml_lines import line_of

RULE = """[[actions.rules]]
code = "{code}"
topic = "t"
text = "Do it"
reason = "{reason}"
priority = "high"
worth = "growth"
uplift = 0.1
cost_cents = 1
{more}
"""

RFM_GROUP = "[[rfm.groups]]\nname = '{name}'\nadvice = 'a'\nboxes = [{{{box}}}]\n"


def rule(code: str = "a", reason: str = "because", more: str = "") -> str:
    return RULE.format(code=code, reason=reason, more=more)


def refused(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(InvalidPolicy) as caught:
        load_policy(path)
    return caught.value.message.removeprefix(str(path))


def test_the_packaged_policy_is_sound() -> None:
    policy = load_policy()
    assert policy.offers.segments["high_value"].discount_percentage == 20
    assert policy.retention.strategies["high_value_at_risk"] == (
        "Personal outreach, exclusive offers, dedicated support"
    )


def test_one_key_overrides_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[offers.segments.whale]\ndiscount_percentage = 30\n[segments]\nladder = "ledger"\n', "utf-8")
    policy = load_policy(path)
    assert policy.offers.segments["whale"].discount_percentage == 30
    assert policy.offers.segments["whale"].offer_type == "exclusive_early_access"
    assert policy.segments.active[0].name == "high_value"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("\n[actions]\nmost = 3\nmots = 2\n", ", line 4: actions.mots: unknown key"),
        ("[actions.risk]\nmedium_from = 0.9\n", ", line 1: actions.risk: medium_from must be less than high_from"),
        ("[activity]\nactive_up_to_days = 10\n", ", line 1: activity: the activity thresholds must rise"),
        (
            "[monitoring.feed]\ncountry = 'XX'\n",
            ", line 2: monitoring.feed.country: no public holidays are known for XX",
        ),
        ("[monitoring.feed]\ncountry = 'gb'\n", ", line 2: monitoring.feed.country: String should match pattern"),
        ("[actions.timing]\ndue_from = -1\n", ", line 2: actions.timing.due_from: Input should be greater than 0"),
        ("[offers.segments.whale]\nmessage = ''\n", ", line 2: offers.segments.whale.message: String should have at"),
        (
            "[offers.segments.whale]\nmessage = '{percent}'\n",
            ", line 2: offers.segments.whale.message: {percent} is none of discount",
        ),
        (
            "[offers.segments.whale]\ndiscount_percentage = 5\n",
            ", line 1: offers.segments.whale: 'whale' gets a smaller discount than 'high_value'",
        ),
        ("[retention.strategies]\nwhale_new = ''\n", ", line 2: retention.strategies.whale_new: is missing"),
        ("[retention.strategies]\n\nwhale_gone = 'x'\n", ", line 3: retention.strategies.whale_gone: unknown key"),
        (
            "[offers.segments.gold]\noffer_type='x'\ndiscount_percentage=1\nmessage='x'\nassumed_uplift=0.1\n",
            ", line 1: offers.segments.gold: 'gold' is a segment of no ladder",
        ),
        (
            "[acquisition]\nmargin_percent = 100\n",
            ", line 2: acquisition.margin_percent: Input should be less than 100",
        ),
        (
            RFM_GROUP.format(name="all", box="") + RFM_GROUP.format(name="best", box="recency = [5, 5]"),
            ", line 5: rfm.groups.2: code 511 is in 'all' and again in 'best'",
        ),
        (
            "[[rfm.groups]]\nname = 'some'\nadvice = 'a'\nboxes = [{recency = [2, 5]}]\n",
            ", line 1: rfm: code 111 is in no group",
        ),
        (
            "[[rfm.groups]]\nname = 'x'\nadvice = 'a'\nboxes = [{recency = [5, 2]}]\n",
            ", line 4: rfm.groups.1.boxes.1: recency must be two scores",
        ),
        (rule() + rule("b"), ", line 11: actions.rules.2: the rules 'a' and 'b' of topic 't' overlap"),
        (rule() + rule("a", more="stages = ['new']"), ", line 12: actions.rules.2.code: the code 'a' occurs twice"),
        ("[upsell]\nupgrade_reason = '{x}'\n", ", line 2: upsell.upgrade_reason: {x} is none of missing, next_segment"),
        ("[offers.reasons]\nlikely = '{x}'\n", ", line 2: offers.reasons.likely: {x} is none of cost, gain, soon"),
        (rule(reason="{shoe_size}"), ", line 5: actions.rules.1.reason: {shoe_size} is none of"),
        (rule(reason="{rhythm}"), ", line 5: actions.rules.1.reason: the reason names {rhythm}"),
        (rule(reason="{rhythm"), ", line 5: actions.rules.1.reason: '{rhythm' cannot be read"),
        (rule(more="stages = []"), ", line 10: actions.rules.1.stages: Tuple should have at least 1 item"),
        (rule(more="stages = ['gone']"), ", line 10: actions.rules.1.stages.1: Input should be 'new', 'active'"),
        (rule(more="segments = ['gold']"), ", line 10: actions.rules.1.segments: 'gold' is a segment of no ladder"),
        (rule(more="orders_from = 3\norders_to = 2"), ", line 11: actions.rules.1.orders_to: orders_to is less"),
        (rule(more="timings = ['first']\norders_from = 2"), ", line 11: actions.rules.1.orders_from: the timing first"),
        (rule(more="timings = ['due']\norders_to = 1"), ", line 11: actions.rules.1.orders_to: without the timing"),
        (rule().replace('text = "Do it"\n', ""), ", line 1: actions.rules.1.text: is missing"),
    ],
)
def test_what_breaks_a_rule_is_named_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    assert refused(tmp_path, text).startswith(problem)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("stages = ['new']", "stages = ['active']"),
        ("risks = ['low']", "risks = ['high', 'medium']"),
        ("segments = ['whale']", "segments = ['low_value']"),
        ("timings = ['first']", "timings = ['due', 'early']"),
        ("orders_to = 4", "orders_from = 5"),
        ("timings = ['first']", "orders_from = 2"),
    ],
)
def test_rules_that_part_the_customers_do_not_overlap(tmp_path: Path, one: str, other: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(rule("a", more=one) + rule("b", more=other), "utf-8")
    assert len(load_policy(path).actions.rules) == 2


@pytest.mark.parametrize("content", [b"\xff", b"[offers"])
def test_a_file_that_is_no_policy_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.toml").write_bytes(content)
    with pytest.raises(InvalidPolicy):
        load_policy(tmp_path / "mine.toml")
    with pytest.raises(InvalidPolicy):
        load_policy(tmp_path / "absent.toml")


def test_lines_are_found_in_nested_lists() -> None:
    text = "[[a]]\n[[a.b]]\nx = 1\n[[a.b]]\nx = 2\n[[a]]\n[[a.b]]\n'x' = 3\n[a.c]\ny.z = 4\n"
    assert line_of(("a", 0, "b", 1, "x"), text) == 5
    assert line_of(("a", 1, "b", 0, "x"), text) == 8
    assert line_of(("a", 1, "c", "y", "z"), text) == 10
    assert line_of(("a", 1, "d"), text) == 6
    assert line_of(("q",), text) is None


HOSTILE = {
    "arrays": ("a = " + "[" * 100_000 + "]" * 100_000, "nested too deeply"),
    "tables": ("a = " + "{a = " * 50_000 + "1" + "}" * 50_000, "nested too deeply"),
    "a dotted key": (".".join(["a"] * 50_000) + " = 1", "more than 50 parts"),
    "a dotted header": ("[" + " . ".join(["'a'"] * 5_000) + "]", "more than 50 parts"),
    "a number": ("[gate]\nsegments_from = " + "9" * 6_000, "is not TOML"),
    "entries": ("".join(f"k{place} = 1\n" for place in range(200_000)), "more than 1,048,576 bytes"),
    "a text": (f"[actions.leave_alone]\ntext = '{'x' * 2_000_000}'", "more than 1,048,576 bytes"),
    "wrong types": ("[[trade]]\n[effects.x]\nbasis = [1]", "trade"),
    "a width": ("[actions.leave_alone]\nreason = '{orders:>999999999}'", "{orders} is written without a format"),
    "an attribute": ("[actions.leave_alone]\nreason = '{orders.__class__}'", "is none of"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_at_once(tmp_path: Path, name: str) -> None:
    text, problem = HOSTILE[name]
    (tmp_path / "mine.toml").write_text(text, "utf-8")
    began = time.process_time()
    with pytest.raises(InvalidPolicy, match=re.escape(problem)):
        load_policy(tmp_path / "mine.toml")
    assert time.process_time() - began < 5


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    for path in (tmp_path / "pipe.toml", tmp_path, Path("/dev/zero")):
        with pytest.raises(InvalidPolicy, match="it is no file"):
            load_policy(path)
        with pytest.raises(InvalidPolicy, match="it is no file"):
            load_policy(learned=path)


def test_long_sentences_are_no_keys(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(f"[actions.leave_alone]\ntext = '{'One sentence. ' * 200}... and so on.'")
    assert load_policy(tmp_path / "mine.toml").actions.leave_alone.text.startswith("One sentence. One")
