"""The responses about trained versions and the champion."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from customer_revenue.service.responses.shape import Answer


class ChampionChange(Answer):
    """One change of the champion."""

    event: Literal["promote", "rollback"] = Field(description="What was done.")
    version: str = Field(description="The version that answers since then.")
    before: str | None = Field(description="The version that answered before; null without one.")
    at: str = Field(description="When, UTC.", examples=["2023-12-15T10:30:00Z"])
    by: str = Field(description="Who: a user, or the name of an API key.", examples=["admin"])
    why: str = Field(description="The reason, in their words.", examples=["passed the gate"])


class TrainedVersion(Answer):
    """A trained version."""

    version: str = Field(description="Name of the version.")
    champion: bool = Field(description="Whether it is the one that answers.")
    trained_until: str | None = Field(
        description="The last day that its training knew; null where it is not on record."
    )
    gate: Literal["passed", "warned", "refused"] | None = Field(description="The gate's verdict; null without one.")
    refusals: list[str] = Field(description="Why the gate refused it.")
    promotable: bool = Field(description="Whether it can be promoted now without force.")


class VersionList(Answer):
    """The trained versions and the changes of the champion."""

    success: Literal[True]
    versions: list[TrainedVersion] = Field(description="The versions, the newest first.")
    changes: list[ChampionChange] = Field(description="The changes of the champion, the last one first.")


class ChampionAnswer(Answer):
    """The champion after a request, and the change that it made."""

    success: Literal[True]
    champion: str = Field(description="The version that answers from now on.")
    change: ChampionChange | None = Field(description="The change; null where the version answered already.")
