"""A marketer edits the policy while the service runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import Shop
from tests.service.conftest import Service, serving

PATH = "/customers/user_123/retention"
SOON_SECONDS = 15


@pytest.mark.servers
def test_the_policy_is_taken_up_without_a_restart_and_a_broken_one_is_not(trained_shop: Shop, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("")
    shop = Shop(trained_shop.folder, {**trained_shop.environment, "CUSTOMER_REVENUE_POLICY": str(policy)})
    with serving(shop) as service:
        assert focus(service) == "Engagement and upselling"
        policy.write_text('[lifecycle.focus]\nactive = "Say thank you"\n')
        eventually(lambda: all(focus(service) == "Say thank you" for _ in range(8)))
        policy.write_text("[lifecycle.focus]\nactive = 3\n")
        time.sleep(2.5)
        assert {focus(service) for _ in range(8)} == {"Say thank you"}


def focus(service: Service) -> str:
    answer = service.get(PATH)
    assert answer.status_code == 200
    return str(answer.json()["retention"]["focus"])


def eventually(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + SOON_SECONDS
    while not holds():
        assert time.monotonic() < give_up, "it did not happen"
        time.sleep(0.3)
