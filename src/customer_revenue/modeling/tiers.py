"""What predictions rest on."""

from __future__ import annotations

from enum import StrEnum


class Tier(StrEnum):
    """What the predictions rest on; only facts where nobody has an order."""

    FULL = "full"
    PROBABILITY_MODELS = "probability_models"
    POPULATION = "population"
    FACTS_ONLY = "facts_only"
