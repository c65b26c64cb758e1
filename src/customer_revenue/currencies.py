"""Currencies: how many minor units each has, and amounts in units of a currency.

Amounts are whole numbers of minor units everywhere in this package, in columns that end in ``_cents``: cents of dollars
and euros, whole yen, thousandths of a Kuwaiti dinar. Only texts and fields in units of the currency divide them.
"""

from __future__ import annotations

from decimal import Decimal

USUAL_DIGITS = 2

_CODES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
UNUSUAL_DIGITS = {code: digits for digits, codes in _CODES.items() for code in codes.split()}
"""The decimals of the currencies that do not have two, by ISO 4217, list one (six-group.com, 2026)."""


def minor_digits(currency: str) -> int:
    """Return the number of decimals of a currency, two for an unknown one.

    >>> minor_digits("EUR"), minor_digits("JPY"), minor_digits("KWD")
    (2, 0, 3)
    """
    return UNUSUAL_DIGITS.get(currency.upper(), USUAL_DIGITS)


def minor_units(currency: str) -> int:
    """Return the number of minor units in one unit of a currency.

    >>> minor_units("EUR"), minor_units("JPY"), minor_units("KWD")
    (100, 1, 1000)
    """
    return int(10 ** minor_digits(currency))


def in_units(amount_cents: float, currency: str) -> float:
    """Convert an amount in minor units to units of its currency.

    >>> in_units(1050, "EUR"), in_units(1050, "JPY")
    (10.5, 1050.0)
    """
    return amount_cents / minor_units(currency)


def money_text(amount_cents: float, currency: str) -> str:
    """Write an amount in minor units with its currency, if that is known.

    >>> money_text(123450, "EUR"), money_text(123450, "JPY"), money_text(1234, "KWD"), money_text(150, "")
    ('1,234.50 EUR', '123,450 JPY', '1.234 KWD', '1.50')
    """
    digits = minor_digits(currency)
    amount = Decimal(amount_cents).scaleb(-digits)
    return f"{amount:,.{digits}f} {currency}".rstrip()
