"""A planted person goes through every command that writes, is forgotten, and is in no byte that is left."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.conftest import Shop
from tests.forked import started

from customer_revenue.workflows.campaigns.campaign_file import CampaignFile
from customer_revenue.workflows.monitoring.prediction_log import customers_in_log

ID, SECOND_ID, NAME, EMAIL = "planted-7f3a", "planted-8c1d", "Plantedname", "planted@mail.example"
HEADER = (
    "order_id,user_id,created_at,total_cents,status,product_id,product_name,quantity,amount_cents,user_name,user_email"
)
ORDERS = [
    *(f"p{n},{ID},2023-{n:02}-03T09:00:00Z,4500,paid,a,A,1,4500,{NAME},{EMAIL}" for n in range(1, 12)),
    f"q1,{SECOND_ID},2023-10-20T09:00:00Z,4500,paid,a,A,1,4500,{NAME},{EMAIL}",
    f"bad,{ID},never,4500,paid,a,A,1,4500,{NAME},{EMAIL}",
    f"q2,{SECOND_ID},never,4500,paid,a,A,1,4500,,",
]
GIVEN = ("planted.csv", "aliases.csv", "contacts.csv", "customers.txt")
EXPORTED = ("actions.csv", "predictions.csv", "predictions.parquet", "rows.csv", "merged.csv", "mail.csv", "held.csv")


@pytest.fixture
def planted(trained_shop: Shop, tmp_path: Path) -> Shop:
    """The trained shop with the person, after everything that a command can write about them."""
    folder = tmp_path / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    for name in ("tmp", "cache"):
        (folder / name).mkdir()
    own = {"CUSTOMER_REVENUE_FORGET_KEY": "a secret for the tests", "CUSTOMER_REVENUE_LOG": "log"}
    own |= {"TMPDIR": str(folder / "tmp"), "XDG_CACHE_HOME": str(folder / "cache")}
    shop = Shop(folder, {**trained_shop.environment, **own})
    (folder / "planted.csv").write_text("\n".join([HEADER, *ORDERS, ""]))
    (folder / "aliases.csv").write_text(f"from,to\n{SECOND_ID},{ID}\n")
    (folder / "contacts.csv").write_text(f"customer_id,contacted_on\n{ID},2023-12-14\n{SECOND_ID},2023-12-10\n")
    (folder / "customers.txt").write_text("\n".join([ID, *(f"c{n}" for n in range(400))]))
    shop.run("import", "planted.csv", "--as-of", "2023-12-15")
    shop.run("aliases", "suggest", "--output", "merged.csv")
    shop.run("aliases", "add", "aliases.csv")
    shop.run("show", ID, "--breakdown", "monthly")
    shop.run("score", "--output", "predictions.csv")
    shop.run("score", "--output", "predictions.parquet")
    shop.run("quarantine", "--output", "rows.csv")
    shop.run("actions", "--limit", "1000", "--output", "actions.csv")
    lists = ("--treated", "mail.csv", "--held-out", "held.csv")
    shop.run(
        "campaign",
        "create",
        "spring",
        "--action",
        "win_back_campaign",
        "--customers",
        "customers.txt",
        "--hold-out",
        "0.5",
        *lists,
    )
    shop.run("campaign", "contacts", "contacts.csv")
    shop.run("backup", "shop.backup")
    return shop


def test_forgetting_names_each_copy_and_leaves_no_byte(planted: Shop) -> None:
    folder = planted.folder
    assert traces(folder) > {"planted.csv", "data/campaigns.sqlite", "predictions.parquet", "rows.csv"}
    told = planted.run("forget", SECOND_ID, "--orders").splitlines()
    counts = {line[:18].strip(): int(line[18:].replace(",", "")) for line in told[1:12]}
    assert counts == {
        "name or e-mail": 1,
        "orders": 12,
        "order lines": 12,
        "refunds": 0,
        "quarantined rows": 2,
        "aliases": 2,
        "logged predictions": counts["logged predictions"],
        "campaigns": 1,
        "contacts": 2,
        "shared snapshots": 0,
        "further ids": 1,
    }
    assert counts["logged predictions"] >= 3
    rest = "\n".join(told[12:])
    assert "shop.backup" in rest
    with_them = {name for name in EXPORTED if (folder / name).exists() and name in traces(folder)}
    assert with_them == {name for name in EXPORTED if f"/{name} of " in rest}
    assert with_them > {"predictions.csv", "predictions.parquet", "rows.csv", "merged.csv"}
    assert "MLflow" in rest
    assert "saved views" in rest
    for name in (*with_them, *GIVEN, "shop.backup"):
        (folder / name).unlink()
    assert traces(folder) == set()
    (folder / "planted.csv").write_text("\n".join([HEADER, *ORDERS, ""]))
    planted.run("import", "planted.csv", status=2)
    (folder / "planted.csv").unlink()
    assert traces(folder) == set()


def test_what_a_killed_run_left_goes_with_the_next(planted: Shop) -> None:
    folder = planted.folder
    before = (folder / "data" / "orders.duckdb").stat().st_ino
    process = started(("forget", ID, "--orders"), folder, planted.environment)
    while (folder / "data" / "orders.duckdb").stat().st_ino == before and process.is_alive():
        time.sleep(0.0005)
    process.kill()  # the store has forgotten them, and perhaps nothing else has
    process.join()
    told = planted.run("forget", ID, "--orders")
    assert told.startswith("Forgotten by the store before; removed")
    campaigns = CampaignFile(folder / "data" / "campaigns.sqlite")
    assert not {ID, SECOND_ID} & (customers_in_log(folder / "log") | campaigns.customers())
    assert "no customer" in planted.run("forget", "nobody", "--orders", status=2)


def traces(folder: Path) -> set[str]:
    """The files in which the person is, read as Parquet where they are that, with names of files and folders."""
    found = set()
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        content = name.encode()
        if path.is_file():
            content += path.read_bytes()
            if path.suffix == ".parquet":
                content += repr(pq.read_table(path, partitioning=None).to_pylist()).encode()
        if any(text.encode() in content for text in (ID, SECOND_ID, NAME, EMAIL)):
            found.add(name)
    return found
