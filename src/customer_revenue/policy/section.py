"""The base of every section of the policy."""

from __future__ import annotations

from collections.abc import Collection
from string import Formatter
from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the policy; unknown keys are refused."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class PolicyError(ValueError):
    """A rule of the policy that is broken, and where: the keys and positions below the section that checks it."""

    def __init__(self, message: str, *where: str | int) -> None:
        super().__init__(message)
        self.where = where


def check_template(template: str, known: Collection[str], key: str) -> set[str]:
    """The words in braces that a text names.

    Args:
        template: the text.
        known: the words that it may name.
        key: the text's key, for the error.

    Raises:
        PolicyError: it names another word, or its braces do not match.
    """
    try:
        words = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    except ValueError as error:
        raise PolicyError(f"{template!r} cannot be read: {error}", key) from None
    if unknown := sorted(words - set(known)):
        raise PolicyError(f"{{{unknown[0]}}} is none of {', '.join(sorted(known))}", key)
    return words
