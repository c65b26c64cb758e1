"""SQL that was compiled before: used where everything is as it was then, and never otherwise."""

from __future__ import annotations

import time
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest

from customer_revenue.orders.engines import statement_cache
from customer_revenue.orders.engines.base_engine import Statement
from customer_revenue.orders.engines.statement_cache import MAX_FOLDERS, StatementCache
from customer_revenue.orders.imports.import_files import import_files
from customer_revenue.orders.recipe import Recipe
from customer_revenue.orders.store import open_store
from customer_revenue.settings import load_settings

STATEMENT = Statement("SELECT $day", frozenset({"day"}), pa.schema({"day": pa.date32(), "n": pa.int64()}))


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no source had changed for long."""
    monkeypatch.setattr(statement_cache, "_STARTED", time.time() + 3600)


def compiled() -> Statement:
    return STATEMENT


def forbidden() -> Statement:
    raise AssertionError("compiled again")


def test_a_statement_is_compiled_once(tmp_path: Path) -> None:
    assert StatementCache(tmp_path).get("key", compiled) == STATEMENT
    assert StatementCache(tmp_path).get("key", forbidden) == STATEMENT


def test_another_key_is_another_statement(tmp_path: Path) -> None:
    StatementCache(tmp_path).get("key", compiled)
    with pytest.raises(AssertionError, match="compiled again"):
        StatementCache(tmp_path).get("other", forbidden)


def test_what_other_sources_or_libraries_compiled_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    StatementCache(tmp_path).get("key", compiled)
    monkeypatch.setattr(statement_cache, "_stamp", lambda: "0" * 64)
    with pytest.raises(AssertionError, match="compiled again"):
        StatementCache(tmp_path).get("key", forbidden)


def test_the_stamp_differs_with_the_text_of_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "summary.py").write_text("ANSWER = 1")
    monkeypatch.setattr(statement_cache, "PACKAGE", tmp_path)
    before = statement_cache._stamp.__wrapped__()
    (tmp_path / "summary.py").write_text("ANSWER = 2")
    assert statement_cache._stamp.__wrapped__() != before


def test_nothing_is_kept_once_a_source_has_changed_under_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statement_cache, "_STARTED", 0)
    StatementCache(tmp_path).get("key", compiled)
    with pytest.raises(AssertionError, match="compiled again"):
        StatementCache(tmp_path).get("key", forbidden)


@pytest.mark.parametrize(
    "content", ["", "{}", '{"key": "other"}', '{"key": "key", "sql": "SELECT 1", "schema": "AA=="}']
)
def test_a_damaged_file_is_compiled_again(tmp_path: Path, content: str) -> None:
    cache = StatementCache(tmp_path)
    cache.get("key", compiled)
    (file,) = tmp_path.glob("*/*.json")
    file.write_text(content)
    assert cache.get("key", compiled) == STATEMENT
    assert cache.get("key", forbidden) == STATEMENT


def test_a_folder_that_cannot_be_written_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert StatementCache(tmp_path / "file").get("key", compiled) == STATEMENT


def test_the_folders_of_old_sources_go(tmp_path: Path) -> None:
    for number in range(2 * MAX_FOLDERS):
        (tmp_path / str(number)).mkdir()
    StatementCache(tmp_path).get("key", compiled)
    assert len(list(tmp_path.iterdir())) == MAX_FOLDERS
    assert StatementCache(tmp_path).get("key", forbidden) == STATEMENT


def test_a_recipe_depends_on_nothing_but_its_arguments() -> None:
    with pytest.raises(ValueError, match="not a function of a module"):
        Recipe(lambda table: table)


def doubled(table: ir.Table, column: str) -> ir.Table:
    return table.select(table[column] * 2)


def test_a_recipe_over_rows_in_memory_is_an_expression_over_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    url = str(tmp_path / "orders.duckdb")
    (tmp_path / "orders.csv").write_text("order_id,user_id,created_at,total_cents,status\n1,a,2024-01-01,100,paid\n")
    options = load_settings().store_options
    import_files([tmp_path / "orders.csv"], url, options)
    rows = pa.table({"a": pa.array([1, 2]), "b": pa.array([10, 20])})
    with open_store(url, options) as store:
        for _ in range(2):
            for column in ("a", "b"):
                expected = store.fetch(doubled(ibis.memtable(rows), column))
                assert store.fetch_over(rows, Recipe(doubled, (column,))).rename_columns(["x"]) == (
                    expected.rename_columns(["x"])
                )
    assert len(list((tmp_path / "cache").rglob("*.json"))) == 2
