"""Ibis, imported when the first expression is built.

``from customer_revenue import lazy_ibis as ibis`` is used like ``import ibis``. Importing Ibis takes longer than a
whole command whose SQL is known: see :mod:`customer_revenue.orders.engines.statement_cache`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    return getattr(import_module("ibis"), name)
