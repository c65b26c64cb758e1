"""The names of the known formats, apart from their definitions."""

from __future__ import annotations

from enum import StrEnum


class FormatName(StrEnum):
    """The name of a format, which ``import --format`` takes."""

    ONLINE_RETAIL = "online_retail"
    CDNOW = "cdnow"
    SHOPIFY = "shopify"
    STRIPE = "stripe"
    REFUNDS = "refunds"
    GENERIC = "generic"
