"""Base classes of the responses."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from customer_revenue.service.responses.glossary import GLOSSARY

Probability = Annotated[float, Field(ge=0, le=1)]


def _described(schema: dict[str, Any]) -> None:
    """Add the glossary's description of a field where the class has none."""
    for name, field in schema.get("properties", {}).items():
        if "description" not in field:
            field["description"] = GLOSSARY[name]


class Answer(BaseModel):
    """An object in a response; it has no fields other than the documented ones."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", json_schema_extra=_described)


class Meta(Answer):
    """About the response itself."""

    calculation_date: str = Field(description="The as-of moment, UTC.", examples=["2023-12-15T10:30:00Z"])
    data_freshness: Literal["real_time", "historical"] = Field(
        description="`real_time` as of now; `historical` as of the end of the store's history or of a requested day."
    )
    currency: str = Field(description="ISO 4217 code of all money.", examples=["USD"])
    timezone: str = Field(description="Reporting time zone.", examples=["UTC"])
    model_version: str | None = Field(description="Version of the model behind the predictions.")
    stale_since: str | None = Field(
        default=None,
        description="Present while the database is away: the moment, UTC, until which the answer is known to hold.",
    )


class Complete(Answer):
    """A complete response."""

    success: Literal[True]
    meta: Meta


class Page(Answer):
    """Position of a page in a list."""

    limit: int
    offset: int


class Paged(Complete):
    """A page of a list."""

    page: Page
