"""Responses about the policy file that is saved from the page."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field

from customer_revenue.service.responses.customers import Day
from customer_revenue.service.responses.shape import Answer


class KeptPolicy(Answer):
    """A policy file as it was before settings were saved."""

    file: str = Field(description="Name of the file, next to the policy file.")
    kept_at: dt.datetime = Field(description="When it was replaced, UTC.")


class LearnedRecord(Answer):
    """What a campaign has measured, and decisions rest on."""

    campaign: str = Field(description="Name of the campaign.")
    action: str = Field(description="Code of the action.")
    measured_points: float = Field(description="Further buyers of 100 who could be persuaded.")
    measured_spread: float = Field(description="Standard deviation of what that may really be.")
    started_on: Day = Field(description="First day of the campaign.")
    measured_on: Day = Field(description="Last day of the campaign.")
    learned_on: Day = Field(description="Day on which it was taken over.")


class PolicyFile(Answer):
    """The policy file."""

    success: Literal[True]
    file: str | None = Field(description="Name of the file; null where the settings name none.")
    can_be_saved: bool = Field(description="Whether the service can write it.")
    why_not: str | None = Field(description="Why it cannot; null if it can.")
    kept: list[KeptPolicy] = Field(description="The files kept, newest first.")
    learned: list[LearnedRecord] = Field(description="What was learned from campaigns, oldest first.")


class ChangedValue(Answer):
    """A value of the policy file."""

    name: str = Field(description="Its place, such as `margin.assumed_percent`.")
    value: int | str = Field(description="The value from now on.")


class PolicySaved(Answer):
    """What was saved, or taken back."""

    success: Literal[True]
    changed: list[ChangedValue] = Field(description="The values that were written; empty when they were taken back.")
    kept: str = Field(description="The file that was kept, or is in its place again.")
