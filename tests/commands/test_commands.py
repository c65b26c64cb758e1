"""The commands as a user runs them, on good input and on bad."""

from __future__ import annotations

import csv
import datetime as dt
import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from tests.conftest import EXAMPLE_ORDERS, Shop

import customer_revenue
from customer_revenue.modeling.manifest import BUNDLE_SCHEMA_VERSION, KIND, MANIFEST, read_manifest

HEADER = "order_id,user_id,created_at,total_cents,status\n"
COMMANDS = ("import", "train", "backtest", "score", "show", "serve", "demo", "models", "promote", "monitor", "retrain")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_explains_each_command(new_shop: Shop, command: str) -> None:
    text = new_shop.run(*filter(None, [command]), "--help")
    assert "Usage:" in text
    assert command or all(name in text for name in COMMANDS)


def test_the_version_is_that_of_the_package(new_shop: Shop) -> None:
    assert new_shop.run("--version").split() == ["customer-revenue", customer_revenue.__version__]


TRAINING_LIBRARIES = ("lightgbm", "sklearn", "lifetimes", "mlflow", "matplotlib")
IMPORTED_PARTS = """
import sys
from customer_revenue.cli import app
try:
    app(sys.argv[1:])
except SystemExit as end:
    assert not end.code
print(sorted(sys.modules))
"""


def test_one_customer_is_predicted_without_the_libraries_that_train(trained_shop: Shop) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED_PARTS, "show", "user_123"],
        cwd=trained_shop.folder,
        env=dict(trained_shop.environment),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "estimated_ltv" in done.stdout
    imported = done.stdout.splitlines()[-1]
    assert "'scipy.special'" in imported
    assert [name for name in (*TRAINING_LIBRARIES, "scipy.stats") if f"'{name}'" in imported] == []


SLOW_LIBRARIES = ("numpy", "pandas", "pyarrow", "scipy", "duckdb", "ibis", "lightgbm", "mlflow", "bentoml")
IMPORTED = """
import sys
from customer_revenue.cli import app
try:
    app(sys.argv[1:])
except SystemExit:
    print(sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.process
@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["train", "--no-such-option"], ["--version"]])
def test_help_and_refused_options_load_no_slow_libraries(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTED, *words], capture_output=True, text=True, check=True)
    imported = done.stdout.splitlines()[-1]
    assert "'customer_revenue'" in imported
    assert [name for name in SLOW_LIBRARIES if f"'{name}'" in imported] == []


FROZEN_AT_THE_END = """
import atexit, gc, sys
atexit.register(lambda: print(gc.get_freeze_count()))
from customer_revenue.cli import main
main()
"""


@pytest.mark.process
def test_the_interpreter_looks_for_no_cycles_as_it_ends() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FROZEN_AT_THE_END, "--version"], capture_output=True, text=True, check=True
    )
    assert int(done.stdout.splitlines()[-1]) > 0


MODEL_LIBRARIES = ("lightgbm", "sklearn", "scipy", "lifetimes", "mlflow", "matplotlib", "bentoml", "pyspark")
DATA_LIBRARIES = ("duckdb", "ibis", "pyarrow", "pandas")
ANALYTICS = (
    "acquisition",
    "acquisition --by month",
    "acquisition --by size",
    "acquisition --by country",
    "acquisition --by discount",
    "at-risk",
    "cohort-money",
    "cohort-money --by category",
    "cohorts",
    "distribution",
    "order-sequence",
    "overview",
    "profit",
    "purchase-frequency",
    "refunds-to-come",
    "rfm",
    "rfm --group champions",
    "segment-flows",
    "segment-flows --by rfm",
    "segments",
    "top-customers",
    "trends",
    "widget",
)
WITH_QUANTILES = ("refunds-to-come",)
"""Analytics that import SciPy's special functions, where there are refunds to come."""
IMPORTED_BY_SEVERAL = """
import json, sys
from customer_revenue.cli import app
for words in json.loads(sys.argv[1]):
    try:
        app(words)
    except SystemExit as end:
        assert not end.code
print(sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize(
    ("commands", "unneeded"),
    [
        ([["show", "user_123", "--no-predictions", "--breakdown", "monthly"]], MODEL_LIBRARIES),
        ([["analytics", *words.split()] for words in ANALYTICS if words not in WITH_QUANTILES], MODEL_LIBRARIES),
        ([["keys", "add", "page"], ["keys", "list"]], (*MODEL_LIBRARIES, *DATA_LIBRARIES)),
    ],
)
def test_facts_are_given_without_the_libraries_that_predict(
    new_shop: Shop, commands: list[list[str]], unneeded: tuple[str, ...]
) -> None:
    (new_shop.folder / "o.csv").write_text(EXAMPLE_ORDERS)
    new_shop.run("import", "o.csv")
    bundle = new_shop.folder / "models" / "current"
    bundle.mkdir(parents=True)
    manifest = {"kind": KIND, "schema_version": BUNDLE_SCHEMA_VERSION, "version": "one"}
    (bundle / MANIFEST).write_text(json.dumps(manifest))
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED_BY_SEVERAL, json.dumps(commands)],
        cwd=new_shop.folder,
        env=dict(new_shop.environment),
        capture_output=True,
        text=True,
        check=True,
    )
    imported = done.stdout.splitlines()[-1]
    assert "'customer_revenue'" in imported
    assert [name for name in unneeded if f"'{name}'" in imported] == []


def test_known_sql_is_run_without_the_libraries_that_compile(new_shop: Shop) -> None:
    (new_shop.folder / "o.csv").write_text(EXAMPLE_ORDERS)
    new_shop.run("import", "o.csv")
    commands = [["show", "user_123", "--no-predictions"], *(["analytics", *words.split()] for words in ANALYTICS)]
    for unneeded in ((), ("ibis", "sqlglot", "pandas")):
        done = subprocess.run(
            [sys.executable, "-c", IMPORTED_BY_SEVERAL, json.dumps(commands)],
            cwd=new_shop.folder,
            env={**new_shop.environment, "XDG_CACHE_HOME": str(new_shop.folder / "cache")},
            capture_output=True,
            text=True,
            check=True,
        )
        imported = done.stdout.splitlines()[-1]
        assert [name for name in unneeded if f"'{name}'" in imported] == []


def test_an_answer_of_an_earlier_day_stays_the_same_when_more_orders_and_refunds_arrive(trained_shop: Shop) -> None:
    shop = _copy(trained_shop, "later")
    before = shop.show("user_123", "--as-of", "2023-10-31", "--breakdown", "monthly")
    (shop.folder / "later.csv").write_text(
        HEADER + "n1,user_123,2023-11-30T10:00:00Z,99900,paid\nn2,user_124,2023-12-31T10:00:00Z,500,paid\n"
    )
    (shop.folder / "refunds.csv").write_text(
        "refund_id,user_id,created_at,amount_cents,order_id\nq1,user_123,2023-11-02T10:00:00Z,1000,e0\n"
    )
    shop.run("import", "later.csv", "refunds.csv")
    assert shop.show("user_123", "--as-of", "2023-10-31", "--breakdown", "monthly") == before
    assert shop.show("user_123")["revenue_summary"]["total_orders"] == 11


def test_score_writes_one_row_for_every_customer(trained_shop: Shop, tmp_path: Path) -> None:
    trained_shop.run("score", "--output", str(tmp_path / "scores.parquet"))
    trained_shop.run("score", "--output", str(tmp_path / "scores.csv"))
    table = pq.read_table(tmp_path / "scores.parquet")
    assert len(set(table["customer_id"].to_pylist())) == table.num_rows == 801
    with (tmp_path / "scores.csv").open() as file:
        assert sum(1 for _ in csv.DictReader(file)) == 801


def test_show_and_score_predict_the_same(trained_shop: Shop, tmp_path: Path) -> None:
    trained_shop.run("score", "--output", str(tmp_path / "scores.parquet"))
    rows = {row["customer_id"]: row for row in pq.read_table(tmp_path / "scores.parquet").to_pylist()}
    predictions = trained_shop.show("user_123")["predictions"]
    assert predictions["estimated_ltv_cents"] == round(rows["user_123"]["estimated_ltv_cents"])
    assert predictions["churn_risk_score"] == pytest.approx(rows["user_123"]["churn_risk_score"], abs=1e-6)


def test_a_backtest_writes_the_predictions_of_its_cutoff(trained_shop: Shop, tmp_path: Path) -> None:
    output = tmp_path / "predictions.csv"
    text = trained_shop.run("backtest", "--cutoff", "2023-09-30", "--horizon", "60", "--output", str(output))
    assert "naive rule" in text
    assert "BG/NBD" in text
    with output.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "customer_id",
        "expected_purchases",
        "purchases_low",
        "purchases_high",
        "expected_revenue_cents",
        "revenue_low_cents",
        "revenue_high_cents",
        "interval_mass",
        "purchase_probability",
        "next_purchase_date",
        "purchases_median",
        "revenue_median_cents",
        "ltv_low_cents",
        "ltv_median_cents",
        "ltv_high_cents",
        "interval_note",
    ]
    assert "user_123" in {row["customer_id"] for row in rows}
    assert all(row["next_purchase_date"] > "2023-09-30" for row in rows if row["next_purchase_date"])


def test_a_backtest_with_nothing_after_the_cutoff_only_predicts(trained_shop: Shop, tmp_path: Path) -> None:
    text = trained_shop.run(
        "backtest", "--cutoff", "2023-12-15", "--horizon", "90", "--output", str(tmp_path / "p.csv")
    )
    assert "predicted only" in text


def test_the_view_answers_any_duckdb_client(trained_shop: Shop) -> None:
    with duckdb.connect(str(trained_shop.folder / "data" / "orders.duckdb"), read_only=True) as con:
        row = con.execute("SELECT * FROM customer_revenue_analysis WHERE user_id = 'user_123'").fetchone()
        names = [column[0] for column in con.description or ()]
    assert row is not None
    found = dict(zip(names, row, strict=True))
    assert (found["customer_name"], found["total_orders"], found["total_revenue_cents"]) == ("John Doe", 10, 125_000)
    assert (found["customer_segment"], found["activity_status"]) == ("high_value", "highly_active")


def test_the_bundle_is_text_and_says_where_it_comes_from(trained_shop: Shop) -> None:
    folder = trained_shop.folder / "models" / "current"
    manifest = read_manifest(folder)
    assert manifest["window_last_day"] == "2023-12-15"
    assert manifest["currency"] == "USD"
    assert all(path.read_text("utf-8") for path in folder.iterdir())


class TestBadInput:
    """One clear line, the right exit status, and nothing that was stored is touched."""

    def test_no_store(self, new_shop: Shop) -> None:
        for words in (["train"], ["score"], ["show", "x"], ["backtest"], ["serve"]):
            message = one_error(new_shop.run(*words, status=2))
            assert "customer-revenue import" in message or "customer-revenue train" in message

    def test_no_model(self, new_shop: Shop) -> None:
        (new_shop.folder / "o.csv").write_text(EXAMPLE_ORDERS)
        new_shop.run("import", "o.csv")
        assert "customer-revenue train" in new_shop.run("show", "user_123", status=2)
        assert "predictions" not in new_shop.show("user_123", "--no-predictions")

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["show", "nobody"], "nobody"),
            (["show", "user_123", "--as-of", "tomorrow"], "2023-12-15"),
            (["score", "--output", "scores.xlsx"], ".csv or .parquet"),
            (["score", "--output", "nowhere/scores.csv"], "nowhere"),
            (["backtest", "--cutoff", "2001-01-01"], "2001-01-01"),
            (["backtest", "--horizon", "3000"], "3000"),
            (["import", "missing.csv"], "missing.csv"),
            (["score", "--store", "mongodb://x"], "mongodb"),
        ],
    )
    def test_wrong_words(self, trained_shop: Shop, words: list[str], message: str) -> None:
        assert message in one_error(trained_shop.run(*words, status=2))

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["show", "user_123", "--period", "forever"], "'all_time', 'last_12_months', 'last_6_months', 'ytd'"),
            (["show", "user_123", "--breakdown", "weekly"], "'monthly', 'quarterly', 'by_product'"),
            (["import", "orders.csv", "--format", "xml"], "'shopify', 'stripe'"),
        ],
    )
    def test_values_out_of_a_fixed_set(self, new_shop: Shop, words: list[str], message: str) -> None:
        assert message in new_shop.run(*words, status=2)

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("empty.csv", b""),
            ("image.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"),
            ("text.parquet", b"order_id,user_id\n1,2\n"),
            ("odd.csv", b"colour,shape\nred,round\n"),
            ("bad.csv", (HEADER + "1,a,,100,paid\n2,b,never,100,paid\n3,c,2023-01-01,-5,paid\n").encode()),
        ],
    )
    def test_files_that_cannot_be_used(self, new_shop: Shop, name: str, content: bytes) -> None:
        (new_shop.folder / "good.csv").write_text(EXAMPLE_ORDERS)
        new_shop.run("import", "good.csv")
        before = new_shop.show("user_123", "--no-predictions")
        (new_shop.folder / name).write_bytes(content)
        assert name in one_error(new_shop.run("import", name, status=2))
        assert new_shop.show("user_123", "--no-predictions") == before


class TestSmallShops:
    """Too little data is an answer, not a failure."""

    @pytest.fixture(autouse=True)
    def _tracked(self, new_shop: Shop, tracking_store: Path) -> None:
        (new_shop.folder / "models").mkdir()
        shutil.copy(tracking_store, new_shop.folder / "models")

    def test_one_single_customer(self, new_shop: Shop) -> None:
        (new_shop.folder / "o.csv").write_text(HEADER + "1,only,2023-01-01T00:00:00Z,1000,paid\n")
        new_shop.run("import", "o.csv")
        text = new_shop.run("train")
        assert "population" in text
        answer = new_shop.show("only")
        assert answer["revenue_summary"]["total_orders"] == 1
        assert answer["predictions"]["tier"] == "population"

    def test_no_repeat_customer_at_all(self, new_shop: Shop) -> None:
        first = dt.date(2023, 1, 1)
        lines = [f"{n},c{n},{first + dt.timedelta(days=n)}T00:00:00Z,1000,paid\n" for n in range(200)]
        (new_shop.folder / "o.csv").write_text(HEADER + "".join(lines))
        new_shop.run("import", "o.csv")
        assert "no customer has bought on two days" in new_shop.run("train")
        assert new_shop.show("c7")["revenue_summary"]["total_revenue_cents"] == 1000
        assert (
            json.loads((new_shop.folder / "models" / "current" / "manifest.json").read_text())["tier"] == "population"
        )


def one_error(output: str) -> str:
    """The one line that says what is wrong, below whatever progress was told before."""
    (error,) = (line for line in output.splitlines() if line.startswith("error: "))
    assert output.rstrip().splitlines()[-1].startswith(("error: ", "  "))
    return error


def _copy(shop: Shop, name: str) -> Shop:
    folder = shop.folder.with_name(name)
    shutil.copytree(shop.folder, folder, symlinks=True)
    return Shop(folder, shop.environment)
