"""Values put into a policy file change their lines and nothing else."""

from __future__ import annotations

import tomllib

import pytest

from customer_revenue.policy.edited_text import with_values

OURS = """\
# The shop's own.
trade = "shop"  # kept

[margin]
assumed_percent = 40  # of all that is sold

[margin.by_category]
Books = 35

[[segments.ladders.standard]]
name = "whale"
from_total_revenue_cents = 1_000_000

[[segments.ladders.standard]]
name = "low_value"
from_total_revenue_cents = 0
"""
LADDER = ("segments", "ladders", "standard")
RUNGS = [{"name": "whale", "from_total_revenue_cents": 5}, {"name": "low_value", "from_total_revenue_cents": 0}]


def test_a_value_that_is_there_changes_in_its_line() -> None:
    found = with_values(OURS, {("margin", "assumed_percent"): 35}, {})
    assert found == OURS.replace("assumed_percent = 40 ", "assumed_percent = 35 ")


def test_a_value_of_a_list_changes_in_its_own_table() -> None:
    found = with_values(OURS, {(*LADDER, 0, "from_total_revenue_cents"): 900_000}, {LADDER: RUNGS})
    assert found == OURS.replace("1_000_000", "900000")


def test_what_is_not_there_is_added_to_its_table_or_with_one() -> None:
    found = with_values(OURS, {("segments", "basis"): "total", ("margin", "by_category", "Toys"): 3}, {})
    assert tomllib.loads(found)["segments"]["basis"] == "total"
    assert tomllib.loads(found)["margin"]["by_category"] == {"Books": 35, "Toys": 3}
    assert [line for line in OURS.splitlines() if line not in found.splitlines()] == []


def test_a_list_that_is_not_there_is_written_whole() -> None:
    found = with_values("", {(*LADDER, 0, "from_total_revenue_cents"): 7}, {LADDER: RUNGS})
    assert tomllib.loads(found)["segments"]["ladders"]["standard"] == [
        RUNGS[0] | {"from_total_revenue_cents": 7},
        RUNGS[1],
    ]


@pytest.mark.parametrize(
    "text",
    [
        "margin = { assumed_percent = 40 }",
        "[margin]\nassumed_percent = [40]",
        '[margin]\nassumed_percent = """40"""',
        "not toml",
    ],
)
def test_what_only_people_can_change_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        with_values(text, {("margin", "assumed_percent"): 35}, {})


@pytest.mark.parametrize(
    "text", ["margin.assumed_percent = 40", '[margin]\n"assumed_percent" = 40', "[ margin ]\r\nassumed_percent=40"]
)
def test_other_ways_to_write_a_key_are_known(text: str) -> None:
    assert tomllib.loads(with_values(text, {("margin", "assumed_percent"): 35}, {})) == {
        "margin": {"assumed_percent": 35}
    }
