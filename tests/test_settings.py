"""Settings come from the environment, and a wrong one is named."""

from pathlib import Path

import pytest

from customer_revenue.errors import InvalidParameter
from customer_revenue.settings import Settings, load_settings


def test_the_environment_decides_and_an_override_wins(monkeypatch):
    monkeypatch.setenv("CUSTOMER_REVENUE_STORE", "duckdb:///elsewhere.duckdb")
    assert load_settings().store == "duckdb:///elsewhere.duckdb"
    assert load_settings(store="duckdb:///here.duckdb").store == "duckdb:///here.duckdb"
    assert load_settings(store=None).store == "duckdb:///elsewhere.duckdb"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIMEZONE", "Mars/Olympus"),
        ("LTV_HORIZON_DAYS", "soon"),
        ("DISCOUNT_RATE_PER_YEAR", "-1"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch, name, value):
    monkeypatch.setenv(f"CUSTOMER_REVENUE_{name}", value)
    with pytest.raises(InvalidParameter, match=f"setting {name.lower()}: .*{value}"):
        load_settings()


def test_settings_are_frozen_and_described():
    with pytest.raises(ValueError, match="frozen"):
        Settings().store = "other"  # type: ignore[misc]
    assert all(field.description for field in Settings.model_fields.values())


def test_every_setting_is_documented():
    text = (Path(__file__).parents[1] / "docs" / "settings.md").read_text("utf-8")
    for name, field in Settings.model_fields.items():
        assert f"`CUSTOMER_REVENUE_{name.upper()}`" in text
        assert field.description is not None
        assert field.description in text
