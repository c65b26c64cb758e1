"""Reasons in words, with the customer's own numbers."""

from __future__ import annotations

import datetime as dt

from customer_revenue.actions.situations import Situations
from customer_revenue.currencies import money_text


class Words(dict[str, str]):
    """The words that a template of the policy may name, for one customer; each is formatted when it is used."""

    def __init__(self, situations: Situations, customer: int, currency: str = "") -> None:
        super().__init__()
        self._of, self._at, self._currency = situations, customer, currency

    def __missing__(self, name: str) -> str:
        of, at = self._of, self._at
        match name:
            case "orders":
                return counted(int(of.orders[at]), "order")
            case "rhythm":
                return counted(max(round(of.rhythm_days[at]), 1), "day")
            case "silence":
                return counted(int(of.silence_days[at]), "day")
            case "last_purchase":
                return f"{self._last.day} {self._last:%B %Y}"
            case "last_month":
                return f"{self._last:%B %Y}"
            case "risk":
                return percent(float(of.churn_risk[at]))
            case "segment":
                return str(of.segment[at]).replace("_", " ")
            case "expected_revenue":
                return money(float(of.expected_revenue_cents[at]), self._currency)
        raise KeyError(name)

    @property
    def _last(self) -> dt.date:
        return self._of.last_purchase[self._at]


def counted(number: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "day"), counted(1200, "order")
    ('1 day', '1,200 orders')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def money(cents: float, currency: str = "") -> str:
    """An amount in words: the currency's decimals, thousands parted, its code behind.

    >>> money(123456, "USD")
    '1,234.56 USD'
    """
    return money_text(cents, currency)


def percent(share: float) -> str:
    """A share as a whole percentage that is never quite 0 or 100.

    >>> percent(0.9999), percent(0.15)
    ('99 %', '15 %')
    """
    return f"{min(max(round(100 * share), 1), 99)} %"
