"""Fixtures that several test modules share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

TEST_DATA = "CUSTOMER_REVENUE_TEST_DATA"


@pytest.fixture(scope="session")
def online_retail() -> Path:
    """The UCI Online Retail file, where ``CUSTOMER_REVENUE_TEST_DATA`` names a folder that holds it."""
    path = Path(os.environ.get(TEST_DATA, "")) / "online_retail.parquet"
    if not (os.environ.get(TEST_DATA) and path.is_file()):
        pytest.skip(f"{TEST_DATA} names no folder with online_retail.parquet")
    return path
