"""A person who is forgotten is gone from a running service, and does not come back."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import Shop
from tests.service.conftest import Service, serving


@pytest.fixture
def own_shop(trained_shop: Shop, tmp_path: Path) -> Shop:
    folder = tmp_path / "shop"
    shutil.copytree(trained_shop.folder, folder, symlinks=True)
    bad = "order_id,user_id,created_at,total_cents,status,user_name\nx,user_123,never,100,paid,John Doe\n"
    (folder / "bad.csv").write_text(bad + "y,other,2023-12-11T10:00:00Z,100,paid,Jane\n")
    shop = Shop(folder, {**trained_shop.environment, "CUSTOMER_REVENUE_FORGET_KEY": "a secret for the tests"})
    shop.run("import", "bad.csv")
    return shop


def whole(service: Service, path: str, **parameters: str) -> str:
    return service.get(path, **parameters).text


@pytest.mark.servers
def test_a_person_is_forgotten_without_a_restart(own_shop: Shop) -> None:
    with serving(own_shop) as running:
        assert "John Doe" in whole(running, "/customers/user_123/timeline")
        assert "user_123" in whole(running, "/search", q="john")
        before = running.get("/customers/user_123/revenue").json()["revenue_summary"]
        told = own_shop.run("forget", "user_123")
        assert [int(line.split()[-1]) for line in told.splitlines()[1:8]] == [1, 0, 0, 0, 1, 0, 0]
        wait_until(lambda: "John Doe" not in whole(running, "/customers/user_123/timeline"))
        assert "user_123" not in whole(running, "/search", q="john")
        assert running.get("/customers/user_123/revenue").json()["revenue_summary"] == before
        own_shop.run("forget", "user_123", "--orders")
        wait_until(lambda: running.get("/customers/user_123/revenue").status_code == 404)
        assert "forgotten 10" in own_shop.run("import", "example.csv", status=2)
        assert running.get("/customers/user_123/revenue").status_code == 404
        assert "John" not in (own_shop.folder / "serve.log").read_text()


def wait_until(done: Callable[[], bool]) -> None:
    """Until both workers have noticed."""
    right, give_up = 0, time.monotonic() + 20
    while right < 10:
        assert time.monotonic() < give_up
        right = right + 1 if done() else 0
        time.sleep(0.1)


def test_forgetting_needs_a_key_and_a_customer(own_shop: Shop) -> None:
    assert "no customer 'nobody'" in own_shop.run("forget", "nobody", status=2)
    keyless = Shop(own_shop.folder, {**own_shop.environment, "CUSTOMER_REVENUE_FORGET_KEY": ""})
    assert "secret key" in keyless.run("forget", "user_123", status=2)
