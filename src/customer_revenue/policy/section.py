"""What every section of the policy is made of."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the policy; a key that it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
