"""The former place of the Spark engine, kept for one release."""

from __future__ import annotations

import warnings
from typing import Any


def __getattr__(name: str) -> Any:
    from customer_revenue.orders.engines.spark import engine

    if name != "create_views":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        f"{__name__}.create_views has moved to {engine.__name__}.create_views", DeprecationWarning, stacklevel=2
    )
    return engine.create_views
