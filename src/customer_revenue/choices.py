"""The fixed values of options and parameters: the same on the command line, over HTTP and in Python.

This module imports nothing slow: commands complete these values and refuse others before they load any library.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, get_args

from customer_revenue.periods import MONTHS_PER_QUARTER

OWNER_ONLY = 0o077
"""The umask of the commands and the service: files get mode 0600, folders 0700."""

Stage = Literal["new", "active", "at_risk", "churned"]
"""The stages of a customer's life cycle."""

LIFECYCLE_STAGES: tuple[Stage, ...] = get_args(Stage)

ActivityStatus = Literal["highly_active", "active", "declining", "at_risk"]
"""How long ago the last purchase was."""

ACTIVITY_STATUSES: tuple[ActivityStatus, ...] = get_args(ActivityStatus)


CustomerStatus = Literal["new", "active", "due", "slipping", "lost"]
"""What a customer is by the model and their own rhythm."""

LOST: CustomerStatus = "lost"


class Breakdown(StrEnum):
    """The breakdowns that a response can hold."""

    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    BY_PRODUCT = "by_product"


class TopBy(StrEnum):
    """The order of the best customers."""

    TOTAL_REVENUE = "total_revenue_cents"
    NET_REVENUE = "net_revenue_cents"
    PROFIT = "profit_cents"
    LTV = "estimated_ltv_cents"


class ProfitBy(StrEnum):
    """What a row of the report of profit is."""

    MONTH = "month"
    PRODUCT = "product"
    CUSTOMER = "customer"


class FlowBy(StrEnum):
    """What customers move between."""

    SEGMENT = "segment"
    STAGE = "stage"
    ACTIVITY = "activity"
    RFM = "rfm"

    @property
    def column(self) -> str:
        """The column of the customers' facts that names it; RFM groups have none."""
        return {"segment": "customer_segment", "stage": "lifecycle_stage", "activity": "activity_status"}[self.value]


class FirstDayBy(StrEnum):
    """What is known of a customer on their first day."""

    ALL = "all"
    CHANNEL = "channel"
    COUNTRY = "country"
    CAMPAIGN = "campaign"
    DISCOUNT = "discount"
    PRODUCT = "product"
    CATEGORY = "category"
    SIZE = "size"
    MONTH = "month"


class BiddingForm(StrEnum):
    """Whose form a file for bidding has."""

    GOOGLE = "google"
    META = "meta"


class BarredBy(StrEnum):
    """Why a customer must not be contacted."""

    NO_CONSENT = "no_consent"
    CAMPAIGN = "campaign"
    RECENT_CONTACT = "recent_contact"
    MOST_CONTACTS = "most_contacts"


class AtRiskBy(StrEnum):
    """The order of customers at risk."""

    TOTAL_REVENUE = "total_revenue_cents"
    NET_REVENUE = "net_revenue_cents"
    REVENUE_AT_RISK = "revenue_at_risk_cents"
    VALUE_AT_RISK = "value_at_risk_cents"

    @property
    def is_fact(self) -> bool:
        """Whether it needs no predictions."""
        return self in (AtRiskBy.TOTAL_REVENUE, AtRiskBy.NET_REVENUE)


class CohortUnit(StrEnum):
    """How long a cohort is, and a period of its triangle."""

    MONTH = "month"
    QUARTER = "quarter"

    @property
    def months(self) -> int:
        """1 or 3."""
        return 1 if self is CohortUnit.MONTH else MONTHS_PER_QUARTER


class ForecastUnit(StrEnum):
    """How long a step of the forecast of the shop is."""

    MONTH = "month"
    WEEK = "week"


class Covariate(StrEnum):
    """What is known of a customer from their first order on, and may be a covariate of the models."""

    CHANNEL = "channel"
    COUNTRY = "country"
    CAMPAIGN = "campaign"
    DISCOUNT_CODE = "discount_code"
    DISCOUNT = "discount_cents"
    ORDER_VALUE = "order_cents"
    LINES = "lines"
    PRODUCT = "product_id"
    CATEGORY = "category"


class Scope(StrEnum):
    """Permissions of a key.

    ``read`` is for one customer and the customer base, ``batch`` for many customers at once, ``metrics`` for Prometheus
    alone, ``act`` for what changes something (campaigns, contacts) and ``admin`` for the keys. None includes another.
    """

    READ = "read"
    BATCH = "batch"
    METRICS = "metrics"
    ACT = "act"
    ADMIN = "admin"


USUAL_SCOPES = frozenset({Scope.READ, Scope.BATCH, Scope.METRICS})
"""The permissions of a key for which none are named: everything that changes nothing."""
