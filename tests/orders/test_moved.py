"""Documented names that have moved work for one more release."""

from __future__ import annotations

import pytest

from customer_revenue.orders import spark
from customer_revenue.orders.engines.spark import engine


def test_a_moved_name_is_there_and_says_where_it_is_now() -> None:
    with pytest.warns(DeprecationWarning, match=r"engines\.spark\.engine"):
        assert spark.create_views is engine.create_views
    with pytest.raises(AttributeError):
        _ = spark.nothing
