"""The file of acquisition costs, and what channels cost and bring."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import customer_revenue as cr
from customer_revenue.errors import UnreadableFile
from customer_revenue.workflows.customer_base.acquisition_costs import AcquisitionCost, read_costs


def test_costs_are_read_in_minor_units(tmp_path: Path) -> None:
    file = tmp_path / "costs.csv"
    file.write_text("note,channel,month,cost\nx,web,2024-05,1234.5\ny,till,2024-05,0\n")
    assert read_costs(file, "USD") == [
        AcquisitionCost("web", "2024-05", 123_450),
        AcquisitionCost("till", "2024-05", 0),
    ]
    assert read_costs(file, "KWD")[0].cost_cents == 1_234_500


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("channel,cost\nweb,1\n", "lacks the column(s) month"),
        ("", "no header"),
        ("channel,month,cost\nweb,May 2024,1\n", "line 2: month 'May 2024' is not a month such as 2023-01"),
        ("channel,month,cost\nweb,2024-13,1\n", "line 2: month '2024-13'"),
        ("channel,month,cost\nweb,2024-05,1.001\n", "line 2: cost '1.001' is not an amount"),
        ("channel,month,cost\nweb,2024-05,-1\n", "line 2: cost '-1' is not an amount"),
        ("channel,month,cost\nweb,2024-05\n", "line 2: cost '' is not an amount"),
        ("channel,month,cost\n ,2024-05,1\n", "line 2: the channel is empty"),
        ("channel,month,cost\nweb,2024-05,1\nweb,2024-05,2\n", "line 3: 'web' in 2024-05 is in line 2 already"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "costs.csv"
    file.write_text(text)
    with pytest.raises(UnreadableFile) as refused:
        read_costs(file, "USD")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="nowhere"):
        read_costs(tmp_path / "nowhere.csv", "USD")


@pytest.fixture(scope="module")
def orders() -> cr.Orders:
    """Forty customers of the web who come back, and forty of the till who do not."""
    start = pd.Timestamp("2024-01-01")
    rows = [
        (f"{channel}{n}", start + pd.Timedelta(days=n + later), 100, channel)
        for channel in ("web", "till")
        for n in range(40)
        for later in ((0, 20, 50, 80) if channel == "web" else (0,))
    ]
    return cr.load_orders(pd.DataFrame(rows, columns=["customer", "date", "amount", "channel"]), as_of="2024-06-30")


def test_channels_are_worth_what_they_brought(orders: cr.Orders) -> None:
    won = cr.new_customers(orders, by="channel", payback_days=90)
    rows = {(row["level"], row["days"]): row for row in won.to_dict("records")}
    row = rows["web", 90]
    assert row["net_revenue_cents"] > 1.5 * rows["till", 90]["net_revenue_cents"]
    assert won.attrs == {"margin_percent": 40.0, "margin_basis": "assumed"}
    assert row["profit_cents"] == round(0.4 * row["net_revenue_cents"])
    # A fifth of the profit must remain.
    assert row["max_acquisition_cost_cents"] == pytest.approx(0.8 * row["profit_cents"], abs=1)


def test_cost_payback_and_ratio_of_a_channel(orders: cr.Orders, tmp_path: Path) -> None:
    file = tmp_path / "costs.csv"
    file.write_text("channel,month,cost\nweb,2024-01,1860\ntill,2024-01,3100\nradio,2024-01,5\ntill,2023-01,5\n")
    web, till, radio, before = cr.acquisition_costs(orders, file).to_dict("records")
    assert (web["customers"], web["cac_cents"], till["cac_cents"]) == (31, 6_000, 10_000)
    assert web["ltv_to_cac"] == round(web["ltv_profit_cents"] / 6_000, 2)
    assert web["payback_month"] >= 1
    assert pd.isna(till["payback_month"])
    assert (radio["customers"], before["customers"]) == (0, 0)
    assert pd.isna(radio["cac_cents"])


@pytest.mark.parametrize("by", ["all", "country", "discount", "product", "size", "month"])
def test_every_group_has_every_customer_once(orders: cr.Orders, by: str) -> None:
    won = cr.new_customers(orders, by=by)
    assert won[won["days"] == 30]["customers"].sum() == 80


def test_nothing_after_the_as_of_day_is_used(orders: cr.Orders) -> None:
    early = cr.new_customers(orders, as_of="2024-03-31")
    assert early["customers"].iloc[0] == 80
    kept = orders.table("orders")
    before = kept[kept["created_at"].astype(str) < "2024-04-01"]
    log = before.rename(columns={"user_id": "customer", "created_at": "date"}).assign(
        amount=before["total_cents"] / 100
    )
    with cr.load_orders(log[["customer", "date", "amount", "channel"]], as_of="2024-03-31") as cut:
        assert cr.new_customers(cut).equals(early)


def test_words_that_are_none_are_refused(orders: cr.Orders) -> None:
    with pytest.raises(cr.CustomerRevenueError, match="by: 'segment' is not one of all, channel"):
        cr.new_customers(orders, by="segment")
    with pytest.raises(cr.CustomerRevenueError, match="payback_days must be 1 to 730"):
        cr.new_customers(orders, payback_days=0)
