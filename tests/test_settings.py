"""Settings come from the environment, and a wrong one is named."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from customer_revenue.errors import InvalidParameter
from customer_revenue.settings import ModelOptions, Settings, load_settings, with_changes


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


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CUSTOMER_REVENUE_STOER", "CUSTOMER_REVENUE_STORE"),
        ("CUSTOMER_REVENUE_LOGLEVEL", "CUSTOMER_REVENUE_LOG_LEVEL"),
        ("CUSTOMER_REVENUE_OPTIONS__TRES", "CUSTOMER_REVENUE_OPTIONS__TREES"),
        ("CUSTOMER_REVENUE_OPTIONS_TREES", "CUSTOMER_REVENUE_OPTIONS__TREES"),
        ("CUSTOMER_REVENUE_STORE__URL", "CUSTOMER_REVENUE_STORE"),
        ("customer_revenue_modles", "CUSTOMER_REVENUE_MODELS"),
    ],
)
def test_a_misspelt_variable_is_an_error_with_a_suggestion(monkeypatch, tmp_path, name, meant):
    monkeypatch.chdir(tmp_path)
    message = rf"{name.upper()} is not a setting: did you mean {meant}\?"
    monkeypatch.setenv(name, "secret")
    with pytest.raises(InvalidParameter, match=message) as caught:
        load_settings()
    assert "secret" not in str(caught.value)
    monkeypatch.delenv(name)
    Path(".env").write_text(f"OTHER=1\n{name}=secret\n")
    with pytest.raises(InvalidParameter, match=message):
        load_settings()


def test_a_name_unlike_any_setting_is_an_error_too(monkeypatch):
    monkeypatch.setenv("CUSTOMER_REVENUE_XYZZY_PLUGH", "1")
    with pytest.raises(InvalidParameter, match="CUSTOMER_REVENUE_XYZZY_PLUGH is not a setting"):
        load_settings()


def test_variables_of_tests_and_of_other_programs_are_ignored(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUSTOMER_REVENUE_TEST_ANYTHING", "1")
    monkeypatch.setenv("CUSTOMER_REVENUE_OPTIONS__TREES", "7")
    Path(".env").write_text("POSTGRES_PASSWORD=1\nSTOER=2\nCUSTOMER_REVENUE_TEST_DATA=3\nCUSTOMER_REVENUE_SEED=4\n")
    settings = load_settings()
    assert (settings.options.trees, settings.seed) == (7, 4)


def test_an_unknown_keyword_is_an_error():
    with pytest.raises(InvalidParameter, match="stoer"):
        load_settings(stoer="duckdb:///here.duckdb")


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


def test_an_experiment_changes_options_and_some_settings_and_nothing_else():
    plain = load_settings(store="duckdb:///here.duckdb")
    changed = with_changes(plain, ["learned=false", "windows=3", "penalizer=0.01", "ltv_horizon_days=180"])
    assert changed.options == ModelOptions(learned=False, windows=3, penalizer=0.01)
    assert changed.ltv_horizon_days == 180
    assert changed.store == plain.store
    # What nobody chose stays unchosen: a store made in another zone keeps it.
    assert "timezone" not in changed.model_fields_set


@pytest.mark.parametrize("change", ["windows", "store=elsewhere", "windows=many", "trees=0", "=3"])
def test_a_wrong_change_is_named(change):
    with pytest.raises(InvalidParameter, match=change.partition("=")[0] or "NAME=VALUE"):
        with_changes(load_settings(), [change])


def test_every_option_is_documented():
    text = (Path(__file__).parents[1] / "docs" / "experiments.md").read_text("utf-8")
    for name, field in ModelOptions.model_fields.items():
        default = "" if field.default in (None, ()) else f" `{str(field.default).lower()}`"
        assert f"| `{name}` |{default} |" in text
        assert field.description is not None
        assert field.description in text


ODD_PASSWORD = "a/b#c@d?e:f% g\u00e9"  # noqa: S105


def test_user_and_password_of_a_store_may_be_settings_of_their_own() -> None:
    given = {"database_user": "ann@shop", "database_password": ODD_PASSWORD}
    found = load_settings(store="mysql://db.example.org/shop", **given)
    parts = urlsplit(found.store)
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == ("ann@shop", ODD_PASSWORD)
    assert (parts.hostname, parts.path) == ("db.example.org", "/shop")
    assert ODD_PASSWORD not in repr(found)
    named = load_settings(store="mysql://bob@db.example.org/shop", **given)
    assert named.store == "mysql://bob@db.example.org/shop"
    assert load_settings(store="data/orders.duckdb", **given).store == "data/orders.duckdb"
    with pytest.raises(InvalidParameter, match="database_password needs database_user") as refused:
        load_settings(store="mysql://db.example.org/shop", database_password=ODD_PASSWORD)
    assert ODD_PASSWORD not in refused.value.message
