"""The names of the known formats, apart from their definitions."""

from __future__ import annotations

from enum import StrEnum


class FormatName(StrEnum):
    """The name of a format, which ``import --format`` takes."""

    ONLINE_RETAIL = "online_retail"
    CDNOW = "cdnow"
    SHOPIFY = "shopify"
    STRIPE = "stripe"
    STRIPE_CHARGES = "stripe_charges"
    STRIPE_DISPUTES = "stripe_disputes"
    PAYPAL = "paypal"
    SQUARE = "square"
    SQUARE_ITEMS = "square_items"
    AMAZON = "amazon"
    ETSY = "etsy"
    BIGCOMMERCE = "bigcommerce"
    MAGENTO = "magento"
    WOOCOMMERCE = "woocommerce"
    WOOCOMMERCE_ANALYTICS = "woocommerce_analytics"
    REFUNDS = "refunds"
    GENERIC = "generic"
    LOG_WITH_ORDERS = "log_with_orders"
    LOG = "log"
    LOG_BY_ID = "log_by_id"
    LOG_OF_DATES = "log_of_dates"
