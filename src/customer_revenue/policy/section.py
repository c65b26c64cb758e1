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
        parts = [part for part in Formatter().parse(template) if part[1] is not None]
    except ValueError as error:
        raise PolicyError(f"{template!r} cannot be read: {error}", key) from None
    words = {str(name) for _, name, _, _ in parts}
    if unknown := sorted(words - set(known)):
        raise PolicyError(f"{{{unknown[0]}}} is none of {', '.join(sorted(known))}", key)
    # A width is memory: one of a billion would be that of each answer.
    if shaped := [name for _, name, shape, conversion in parts if shape or conversion]:
        raise PolicyError(f"{{{shaped[0]}}} is written without a format", key)
    return words
