"""What every section of the policy is made of."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the policy; a key that it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Fault(ValueError):
    """A rule of the policy that is broken, and where: the keys and positions below the section that checks it."""

    def __init__(self, message: str, *where: str | int) -> None:
        super().__init__(message)
        self.where = where
