"""What commands take: fixed values are completed, and wrong ones are refused before anything slow is loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command
from typer.testing import CliRunner

from customer_revenue.cli import app
from customer_revenue.errors import InvalidParameter
from customer_revenue.orders.files.formats.format_name import FormatName
from customer_revenue.orders.files.formats.known import FORMATS

Parameter = TyperArgument | TyperOption

FREE_TEXT = {
    "action": "a rule of the policy",
    "as_of": "a day",
    "by": "a person, or a fixed value",
    "changes": "names with values",
    "cutoff": "a day",
    "expect_gross": "an amount",
    "group": "a group of the policy",
    "host": "an address",
    "link": "a web address",
    "ids": "of customers",
    "name": "of a key or a campaign",
    "reason": "of the quarantine",
    "rule": "conditions on customers",
    "since": "a day",
    "segment": "a segment of the policy",
    "store": "a URL",
    "user_id": "a customer's id",
    "version": "of a model",
    "webhook": "a web address",
    "why": "a reason",
}
"""The parameters that take any text, and what it is; all others have fixed values, or a type that is checked."""

LIMITED = {
    ("advise", "about"),
    ("forecast", "unit"),
    ("analytics acquisition", "by"),
    ("bidding", "by"),
    ("bidding", "form"),
    ("analytics at-risk", "activity"),
    ("analytics at-risk", "by"),
    ("analytics at-risk", "stage"),
    ("analytics cohorts", "unit"),
    ("analytics cohort-money", "by"),
    ("analytics overview", "period"),
    ("analytics profit", "by"),
    ("analytics segment-flows", "by"),
    ("analytics top-customers", "by"),
    ("import", "amounts"),
    ("import", "dates"),
    ("import", "decimal"),
    ("import", "format_name"),
    ("keys add", "scope"),
    ("show", "breakdown"),
    ("show", "period"),
}
"""The parameters with fixed values, each by its command."""


def commands(group: TyperGroup, prefix: str = "") -> Iterator[tuple[str, TyperCommand]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, f"{prefix}{name} ")
        else:
            assert isinstance(command, TyperCommand)
            yield f"{prefix}{name}", command


def parameters() -> Iterator[tuple[str, Parameter]]:
    root = get_command(app)
    assert isinstance(root, TyperGroup)
    for words, command in commands(root):
        for parameter in command.params:
            assert isinstance(parameter, TyperArgument | TyperOption)
            yield words, parameter


ALL = {(words, parameter.name or ""): parameter for words, parameter in parameters()}
NAMES = sorted({words for words, _ in ALL} | {"models", "keys list"})


def test_every_value_out_of_a_fixed_set_is_a_choice() -> None:
    assert {key for key, parameter in ALL.items() if parameter.type_descriptor.choices} == LIMITED
    texts = {key[1] for key, parameter in ALL.items() if parameter.type_descriptor.annotation in (str, list[str])}
    assert texts == set(FREE_TEXT)


def test_the_names_of_formats_are_those_of_the_known_formats() -> None:
    assert [known.name for known in FORMATS] == list(FormatName)


@pytest.mark.parametrize(("words", "name"), sorted(LIMITED))
def test_the_shell_completes_fixed_values(words: str, name: str) -> None:
    parameter = ALL[words, name]
    choices = [str(getattr(choice, "value", choice)) for choice in parameter.type_descriptor.choices or ()]
    typed = ["customer-revenue", *words.split(), *_option(parameter), choices[-1][:3]]
    assert [choice for choice in choices if choice.startswith(typed[-1])] == completed(typed)


def test_the_shell_completes_commands() -> None:
    assert {"show", "train", "analytics"} <= set(completed(["customer-revenue", ""]))
    assert completed(["customer-revenue", "analytics", "top"]) == ["top-customers"]
    assert completed(["customer-revenue", "show", "--pre"]) == ["--predictions"]


def completed(typed: list[str]) -> list[str]:
    """What bash is offered for the last of the words."""
    shell = {"_CUSTOMER_REVENUE_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(typed), "COMP_CWORD": "%d"}
    found = CliRunner().invoke(app, env={**shell, "COMP_CWORD": str(len(typed) - 1)}, prog_name="customer-revenue")
    return found.output.split()


@pytest.mark.parametrize("name", NAMES)
def test_every_command_refuses_a_misspelt_setting(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUSTOMER_REVENUE_STOER", "duckdb:///elsewhere.duckdb")
    required = [parameter for (words, _), parameter in ALL.items() if words == name and parameter.required]
    words = [*name.split(), *(word for needed in required for word in (*_option(needed), _value(needed)))]
    error = CliRunner().invoke(app, words).exception
    assert isinstance(error, InvalidParameter)
    assert error.message == "CUSTOMER_REVENUE_STOER is not a setting: did you mean CUSTOMER_REVENUE_STORE?"


@pytest.mark.process
def test_the_service_refuses_a_misspelt_setting() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import customer_revenue.service.bento"],
        env={**os.environ, "CUSTOMER_REVENUE_STOER": "x"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "CUSTOMER_REVENUE_STOER is not a setting: did you mean CUSTOMER_REVENUE_STORE?" in done.stderr


def _value(parameter: Parameter) -> str:
    choices = list(parameter.type_descriptor.choices or ("x",))
    return str(getattr(choices[0], "value", choices[0]))


def _option(parameter: Parameter) -> list[str]:
    return parameter.opts[:1] if isinstance(parameter, TyperOption) else []
