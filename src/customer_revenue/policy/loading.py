"""The whole policy, and reading it."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from customer_revenue.errors import InvalidPolicy
from customer_revenue.policy.customers import Acquisition, Activity, Lifecycle, Rfm, Segments
from customer_revenue.policy.section import Section


class Policy(Section):
    """The whole policy."""

    segments: Segments
    lifecycle: Lifecycle
    activity: Activity
    rfm: Rfm
    acquisition: Acquisition


def load_policy(path: Path | None = None) -> Policy:
    """The packaged policy, overridden key by key by the file at ``path``.

    Raises:
        InvalidPolicy: the file cannot be read, is not TOML, or breaks a rule; names the key and its line.
    """
    merged = tomllib.loads(resources.files("customer_revenue").joinpath("policy.toml").read_text("utf-8"))
    text = ""
    if path is not None:
        try:
            text = path.read_text("utf-8")
            own = tomllib.loads(text)
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidPolicy(f"cannot read the policy {path}: {error}") from None
        except tomllib.TOMLDecodeError as error:
            raise InvalidPolicy(f"{path} is not TOML: {error}") from None
        merged = _merge(merged, own)
    try:
        return Policy.model_validate(merged)
    except ValidationError as error:
        source = str(path) if path else "the packaged policy"
        raise InvalidPolicy(_first_problem(error, source, text)) from None


def _merge(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in own.items():
        known = merged.get(key)
        merged[key] = _merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _first_problem(error: ValidationError, source: str, text: str) -> str:
    problem = error.errors()[0]
    path = [str(part) for part in problem["loc"]]
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        message = "unknown key"
    line = _line_of(path, text)
    return f"{source}{f', line {line}' if line else ''}: {'.'.join(path)}: {message}"


def _line_of(path: list[str], text: str) -> int | None:
    """The line of the deepest named key that the text has; TOML's own parser keeps no positions."""
    for key in reversed([part for part in path if not part.isdigit()]):
        for number, line in enumerate(text.splitlines(), 1):
            head = line.strip().strip("[]").split("=")[0].strip().split(".")[-1].strip("\"'")
            if head == key:
                return number
    return None
