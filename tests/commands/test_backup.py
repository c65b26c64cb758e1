"""A backup holds everything, is refused when it is damaged, and brings back nobody who was forgotten."""

from __future__ import annotations

import datetime as dt
import shutil
import stat
import threading
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.conftest import Shop
from tests.servers import ServerOf
from tests.service.conftest import serving
from tests.service.load import loaded
from tests.tiers import ON_SERVERS

from customer_revenue.choices import Scope
from customer_revenue.keys import KeyFile
from customer_revenue.orders.stored_tables import read_tables, write_tables
from customer_revenue.policy import written_learned
from customer_revenue.tables import PREDICTION_LOG_SCHEMA
from customer_revenue.workflows.campaigns.campaign_file import Campaign, CampaignFile, Member
from customer_revenue.workflows.campaigns.contact_log import Contact
from customer_revenue.workflows.monitoring.prediction_log import read_log, write_rows

BACKUP = "shop.backup"
SOMEBODY = "c7"
PEOPLE = (SOMEBODY, "c8", "user_123")


def shop_in(folder: Path, trained_shop: Shop) -> Shop:
    own = {"CUSTOMER_REVENUE_FORGET_KEY": "a secret for the tests", "CUSTOMER_REVENUE_LOG": "log"}
    folder.mkdir(exist_ok=True)
    return Shop(folder, {**trained_shop.environment, **own})


@pytest.fixture(scope="module")
def whole_shop(trained_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The trained shop with a key, a prediction log, a campaign and a backup. Not to be changed."""
    folder = tmp_path_factory.mktemp("backed-up") / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    made = shop_in(folder, trained_shop)
    KeyFile(folder / "data" / "keys.json").add("reader", frozenset(Scope))
    day = dt.date(2023, 12, 15)
    rows = [{"customer_id": own_id, "as_of": day, "horizon_days": 30} for own_id in PEOPLE]
    write_rows(folder / "log", pa.Table.from_pylist(rows, PREDICTION_LOG_SCHEMA), "worker")
    members = [
        Member(own_id, treated=True, segment="low_value", probability=0.1, persuadable=0.5, revenue_cents=1.0)
        for own_id in PEOPLE
    ]
    campaign = Campaign("spring", "check_in", day, 30, 0.1, 5, 0.0, 0.4)
    CampaignFile(folder / "data" / "campaigns.sqlite").add(campaign, members)
    (folder / "data" / "learned-effects.toml").write_text(written_learned([]))
    CampaignFile(folder / "data" / "campaigns.sqlite").add_contacts(Contact(own_id, day, "email") for own_id in PEOPLE)
    told = made.run("backup", BACKUP)
    assert "store           10 files" in told
    return made


@pytest.fixture
def copied(whole_shop: Shop, tmp_path: Path) -> Shop:
    shutil.copytree(whole_shop.folder, tmp_path / "copied", symlinks=True)
    return Shop(tmp_path / "copied", whole_shop.environment)


def test_a_restored_shop_answers_as_the_other_did(whole_shop: Shop, tmp_path: Path, trained_shop: Shop) -> None:
    new = shop_in(tmp_path / "new", trained_shop)
    told = new.run("restore", str(whole_shop.folder / BACKUP))
    assert told.startswith("Restored store, models, keys, log, campaigns of ")
    assert "There is no data/forgotten.json" in told
    first, second = whole_shop.show("user_123"), new.show("user_123")
    for answer in (first, second):
        del answer["meta"]["calculation_date"]
    assert second == first
    assert new.run("models") == whole_shop.run("models")
    assert new.run("keys", "list") == whole_shop.run("keys", "list")
    assert read_log(new.folder / "log").equals(read_log(whole_shop.folder / "log"))
    learned = [shop.folder / "data" / "learned-effects.toml" for shop in (new, whole_shop)]
    assert learned[0].read_text() == learned[1].read_text()
    names = CampaignFile(new.folder / "data" / "campaigns.sqlite").members("spring")
    assert names == CampaignFile(whole_shop.folder / "data" / "campaigns.sqlite").members("spring")


def test_nobody_else_may_read_it(whole_shop: Shop) -> None:
    for name in (BACKUP, "data/forgotten.json"):
        assert stat.S_IMODE((whole_shop.folder / name).stat().st_mode) == 0o600


def _middle_of_largest(path: Path) -> int:
    """A place within the content of a member: the date in a member's header, say, may change without harm."""
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda member: member.compress_size)
    return largest.header_offset + 30 + len(largest.filename) + largest.compress_size // 2


def test_a_damaged_backup_is_refused_and_nothing_is_restored(
    whole_shop: Shop, tmp_path: Path, trained_shop: Shop
) -> None:
    new = shop_in(tmp_path / "new", trained_shop)
    whole = (whole_shop.folder / BACKUP).read_bytes()
    flipped = bytearray(whole)
    flipped[_middle_of_largest(whole_shop.folder / BACKUP)] ^= 1
    with zipfile.ZipFile(whole_shop.folder / BACKUP) as good, zipfile.ZipFile(new.folder / "swapped", "w") as swapped:
        for name in good.namelist():  # its own checksums are right, and those of the backup are not
            swapped.writestr(name, b"another" if name.startswith("keys/") else good.read(name))
    others = {"flipped": bytes(flipped), "cut": whole[:-100], "empty": b"", "other": b"order_id,user_id\n"}
    for name, content in others.items():
        (new.folder / name).write_bytes(content)
    before = sorted(path.name for path in new.folder.iterdir())
    for name in (*others, "swapped", "absent"):
        said = new.run("restore", name, status=2).strip().splitlines()
        assert said[-1].startswith(f"error: {name} "), said
        assert "damaged" in said[-1] or name == "absent"
    assert sorted(path.name for path in new.folder.iterdir()) == before


def test_what_is_there_is_replaced_only_on_request(copied: Shop) -> None:
    before = copied.show("user_123")["revenue_summary"]
    (copied.folder / "more.csv").write_text(
        "order_id,user_id,created_at,total_cents,status\nm1,user_123,2023-12-11T10:00:00Z,100,paid\n"
    )
    copied.run("import", "more.csv")
    copied.run("keys", "revoke", "reader")
    assert "store, models, keys, log, campaigns; --replace replaces it" in copied.run("restore", BACKUP, status=2)
    assert copied.show("user_123")["revenue_summary"] != before
    assert "Kept the present keys" in copied.run("restore", BACKUP, "--replace")
    assert copied.show("user_123")["revenue_summary"] == before
    assert copied.run("keys", "list") == ""
    assert not [path for path in copied.folder.rglob("*") if path.name.startswith((".replaced", ".backup"))]


def test_who_was_forgotten_after_the_backup_is_forgotten_in_it(copied: Shop, tmp_path: Path) -> None:
    told = copied.run("forget", SOMEBODY, "--orders")
    assert f"Still in the backup {copied.folder / BACKUP} of " not in told  # made elsewhere, and copied here
    copied.run("backup", "second.backup")
    told = copied.run("forget", "user_123", "--orders")
    assert f"Still in the backup {copied.folder / 'second.backup'} of " in told
    copied.run("restore", BACKUP, "--replace")
    check_forgotten(copied)
    elsewhere = Shop(tmp_path / "elsewhere", copied.environment)
    (elsewhere.folder / "data").mkdir(parents=True)
    shutil.copy(copied.folder / "data" / "forgotten.json", elsewhere.folder / "data")
    keyless = Shop(elsewhere.folder, {**elsewhere.environment, "CUSTOMER_REVENUE_FORGET_KEY": "another"})
    assert "the key of then" in keyless.run("restore", str(copied.folder / BACKUP), status=2)
    elsewhere.run("restore", str(copied.folder / BACKUP))
    check_forgotten(elsewhere)


def check_forgotten(shop: Shop) -> None:
    for own_id in (SOMEBODY, "user_123"):
        assert "no customer" in shop.run("show", own_id, status=2)
        assert own_id not in read_log(shop.folder / "log").column("customer_id").to_pylist()
        campaigns = CampaignFile(shop.folder / "data" / "campaigns.sqlite")
        assert own_id not in [member.customer_id for member in campaigns.members("spring")]
        assert own_id not in campaigns.contact_days(dt.date(2024, 1, 1), 60)
    for path in shop.folder.rglob("*"):
        # What MLflow keeps of the package has its example answers, which name the example customer.
        if path.is_file() and path.suffix not in (".backup", ".csv") and "code" not in path.parts:
            content = path.read_bytes()
            assert b"john@example.com" not in content, path
            assert b"John Doe" not in content, path


@pytest.mark.servers
def test_a_backup_is_made_while_the_service_answers_and_orders_come_in(copied: Shop, tmp_path: Path) -> None:
    (copied.folder / "data" / "keys.json").unlink()
    (copied.folder / "data" / "keys.json.required").unlink()
    before = copied.show("user_123")["revenue_summary"]["total_orders"]
    over = threading.Event()

    def import_orders() -> None:
        for number in range(1, 100):
            lines = (f"s{number}{place},user_123,2023-12-12T10:00:00Z,100,paid" for place in "ab")
            text = "\n".join(["order_id,user_id,created_at,total_cents,status", *lines])
            (copied.folder / "more.csv").write_text(text + "\n")
            copied.run("import", "more.csv")
            if over.is_set():
                return

    with serving(copied) as running, loaded(running, lambda body: body["customer_id"], pause=0.05) as load:
        importing = threading.Thread(target=import_orders)
        importing.start()
        try:
            copied.run("backup", "while.backup")
        finally:
            over.set()
            importing.join()
    assert set(load.statuses) == {200}
    assert load.failures == []
    new = Shop(tmp_path / "new", copied.environment)
    new.folder.mkdir()
    new.run("restore", str(copied.folder / "while.backup"))
    orders = new.show("user_123")["revenue_summary"]["total_orders"]
    assert orders >= before
    assert (orders - before) % 2 == 0  # imports whole or not at all


@pytest.mark.parametrize("kind", ON_SERVERS)
def test_a_store_on_a_server_is_backed_up_and_restored(
    kind: str, server_of: ServerOf, whole_shop: Shop, tmp_path: Path
) -> None:
    embedded = f"duckdb:///{whole_shop.folder}/data/orders.duckdb"
    with server_of(kind).database() as url, server_of(kind).database() as other:
        read_tables(folder_of(embedded, tmp_path / "first"), url)
        on_server = Shop(tmp_path, {**whole_shop.environment, "CUSTOMER_REVENUE_STORE": url})
        on_server.run("backup", BACKUP)
        restored = Shop(tmp_path, {**whole_shop.environment, "CUSTOMER_REVENUE_STORE": other})
        restored.run("restore", BACKUP)
        assert "store; --replace replaces it" in restored.run("restore", BACKUP, status=2)
        restored.run("restore", BACKUP, "--replace")
        assert contents(embedded, tmp_path / "a") == contents(other, tmp_path / "b")


def folder_of(url: str, folder: Path) -> Path:
    folder.mkdir()
    write_tables(url, folder)
    return folder


def contents(url: str, folder: Path) -> dict[str, list[str]]:
    return {path.name: sorted(map(repr, pq.read_table(path).to_pylist())) for path in folder_of(url, folder).iterdir()}
