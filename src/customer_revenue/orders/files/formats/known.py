"""The known formats."""

from __future__ import annotations

from customer_revenue.errors import UnknownFormat
from customer_revenue.orders.files.formats.cdnow import CDNOW
from customer_revenue.orders.files.formats.event_log import LOG, LOG_BY_ID, LOG_OF_DATES, LOG_WITH_ORDERS
from customer_revenue.orders.files.formats.format import Format
from customer_revenue.orders.files.formats.generic import GENERIC
from customer_revenue.orders.files.formats.marketplaces import AMAZON, ETSY
from customer_revenue.orders.files.formats.online_retail import ONLINE_RETAIL
from customer_revenue.orders.files.formats.paypal import PAYPAL
from customer_revenue.orders.files.formats.refund_file import REFUNDS
from customer_revenue.orders.files.formats.shop_platforms import BIGCOMMERCE, MAGENTO
from customer_revenue.orders.files.formats.shopify import SHOPIFY
from customer_revenue.orders.files.formats.square import SQUARE, SQUARE_ITEMS
from customer_revenue.orders.files.formats.stripe import STRIPE, STRIPE_CHARGES, STRIPE_DISPUTES
from customer_revenue.orders.files.formats.woocommerce import WOOCOMMERCE, WOOCOMMERCE_ANALYTICS

FORMATS = (
    ONLINE_RETAIL,
    CDNOW,
    SHOPIFY,
    STRIPE,
    STRIPE_CHARGES,
    STRIPE_DISPUTES,
    PAYPAL,
    SQUARE,
    SQUARE_ITEMS,
    AMAZON,
    ETSY,
    BIGCOMMERCE,
    MAGENTO,
    WOOCOMMERCE,
    WOOCOMMERCE_ANALYTICS,
    REFUNDS,
    GENERIC,
    LOG_WITH_ORDERS,
    LOG,
    LOG_BY_ID,
    LOG_OF_DATES,
)
"""The most specific first: a file has the first format that matches its header."""


def format_named(name: str) -> Format:
    """Return the format of that name.

    Raises:
        UnknownFormat: there is no such format; ``details`` lists the known ones.
    """
    for known in FORMATS:
        if known.name == name:
            return known
    names = ", ".join(known.name for known in FORMATS)
    raise UnknownFormat(f"unknown format {name[:40]!r}: use one of {names}", [known.title for known in FORMATS])
