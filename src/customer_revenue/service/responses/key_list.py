"""Responses about API keys."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field

from customer_revenue.choices import Scope
from customer_revenue.service.responses.shape import Answer


class KeyInUse(Answer):
    """An API key, without the key itself, which is nowhere kept."""

    name: str = Field(description="Name of the key.", examples=["reports"])
    scopes: list[Scope] = Field(description="What it may do.", examples=[["read"]])
    created_at: dt.datetime = Field(description="When it was made, UTC.")
    expires_at: dt.datetime | None = Field(description="When it expires, UTC; null for never.")
    last_used_at: dt.datetime | None = Field(description="When it was last used, UTC, to a minute; null for never.")


class KeyList(Answer):
    """The API keys, oldest first."""

    success: Literal[True]
    keys: list[KeyInUse] = Field(description="The keys.")


class KeyAdded(Answer):
    """A new API key."""

    success: Literal[True]
    name: str = Field(description="Name of the key.", examples=["reports"])
    key: str = Field(description="The key itself, which is shown here once and nowhere kept.")


class KeyRevoked(Answer):
    """A key that is of no use any more."""

    success: Literal[True]
    revoked: str = Field(description="Name of the key.", examples=["reports"])
