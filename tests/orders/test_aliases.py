"""Aliases: customers that are one person are one in every table, on every engine, until the alias is removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from tests.tiers import ON_SERVERS, ON_SPARK

from customer_revenue.errors import (
    CustomerNotFound,
    CustomerReassigned,
    InvalidParameter,
    StoreError,
    StoreNotFound,
    UnreadableFile,
)
from customer_revenue.orders.engines.duckdb.target import DuckDBTarget
from customer_revenue.orders.imports.change_aliases import AliasSummary, merge_customers, separate_customers
from customer_revenue.orders.imports.remove_personal_data import forget
from customer_revenue.periods import Period
from customer_revenue.policy import load_policy
from customer_revenue.revenue.view import VIEW_NAME, customer_revenue_analysis
from customer_revenue.workflows import customer_aliases as workflow
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.parameters import as_json

if TYPE_CHECKING:
    from tests.orders.conftest import Shop

HEADER = "order_id,user_id,created_at,total,status,product_id,user_name,user_email,refund_cents"
LINES = (
    "1,ann,2023-05-01,10,paid,p,Ann Lee,ann@x.org,100",
    "2,annie,2023-05-02,20,paid,q,Annie,annie@x.org,",
    "3,bob,2023-05-03,30,paid,p,Bob,bob@x.org,",
)
REFUNDS = "refund_id,user_id,created_at,amount_cents,order_id"
KEY = "a long secret"
VIEWS = {VIEW_NAME: lambda known, day: customer_revenue_analysis(known, day, load_policy())}


@pytest.fixture
def filled(any_shop: Shop) -> Shop:
    any_shop.load(*LINES, header=HEADER, views=VIEWS)
    any_shop.load("r,annie,2023-05-09,300,2", header=REFUNDS)
    return any_shop


def merge(shop: Shop, *pairs: str, **options: Any) -> AliasSummary:
    return merge_customers(shop.file("from,to", *pairs, header=None), shop.url, views=VIEWS, **options)


def owners(shop: Shop, table: str = "orders", key: str = "id") -> dict[str, str]:
    return dict(shop.query(f"SELECT {key}, user_id FROM {table}"))


def tables(shop: Shop) -> dict[str, list[tuple[Any, ...]]]:
    """The contents but for the history."""
    return {name: rows for name, rows in shop.contents().items() if name != "alias_changes"}


def test_two_customers_are_one_in_every_table(filled: Shop) -> None:
    summary = merge(filled, "annie,ann")
    assert (summary.added, summary.orders, summary.customers_in_store, summary.unknown_ids) == (1, 1, 2, 0)
    assert owners(filled) == {"1": "ann", "2": "ann", "3": "bob"}
    assert owners(filled, "order_items", "order_id") == {"1": "ann", "2": "ann", "3": "bob"}
    assert owners(filled, "refunds") == {"refund:1": "ann", "r": "ann"}
    assert sorted(filled.query("SELECT id, name, email FROM users")) == [
        ("ann", "Ann Lee", "ann@x.org"),
        ("bob", "Bob", "bob@x.org"),
    ]
    assert filled.query("SELECT customers FROM store_info") == [(2,)]
    if "spark" not in filled.url:
        view = f"SELECT user_id, total_orders, net_revenue_cents FROM {VIEW_NAME} ORDER BY 1"
        assert [tuple(map(str, row)) for row in filled.query(view)] == [("ann", "2", "2600"), ("bob", "1", "3000")]


def test_removing_an_alias_restores_everything(filled: Shop) -> None:
    before = tables(filled)
    merge(filled, "annie,ann")
    summary = separate_customers(["annie"], filled.url, views=VIEWS)
    assert (summary.removed, summary.orders, summary.customers_in_store) == (1, 1, 3)
    assert tables(filled) == before
    assert [row[1:] for row in sorted(filled.query("SELECT * FROM alias_changes"))] == [
        ("added", "annie", "ann"),
        ("removed", "annie", "ann"),
    ]


def test_later_imports_are_merged_too(filled: Shop) -> None:
    merge(filled, "annie,ann", "anna,annie")
    before = filled.contents()
    assert filled.load(*LINES, header=HEADER).orders_unchanged == 3
    assert filled.load("r,annie,2023-05-09,300,2", header=REFUNDS).refunds_imported == 0
    assert filled.contents() == before
    filled.load("4,anna,2023-06-01,40,paid,p,Anna,,", "5,ann,2023-06-02,50,paid,p,,,", header=HEADER)
    filled.load("s,ann,2023-06-09,100,2", header=REFUNDS)
    assert set(owners(filled).values()) == {"ann", "bob"}
    assert set(owners(filled, "refunds").values()) == {"ann"}, "a refund of the same person's order"
    separate_customers(["annie", "anna"], filled.url)
    assert owners(filled) == {"1": "ann", "2": "annie", "3": "bob", "4": "anna", "5": "ann"}
    assert owners(filled, "refunds")["r"] == "annie"
    assert ("anna", "Anna", None) in filled.query("SELECT id, name, email FROM users")


def test_an_order_may_come_again_under_another_id_of_the_person(filled: Shop) -> None:
    with pytest.raises(CustomerReassigned):
        filled.load("2,ann,2023-05-02,21,paid,q,,,", header=HEADER)
    merge(filled, "annie,ann")
    assert filled.load("2,ann,2023-05-02,21,paid,q,,,", header=HEADER).orders_updated == 1
    separate_customers(["annie"], filled.url)
    assert owners(filled)["2"] == "ann"


def test_lines_of_one_order_under_two_ids_of_a_person(shop: Shop) -> None:
    shop.load("1,ann,2023-05-01,10,paid,p,,,", header=HEADER)
    merge(shop, "annie,ann")
    summary = shop.load("7,ann,2023-05-01,10,paid,p,,,", "7,annie,2023-05-01,10,paid,q,,,", header=HEADER)
    assert (summary.orders_imported, summary.quarantined) == (1, {})
    assert owners(shop) == {"1": "ann", "7": "ann"}
    separate_customers(["annie"], shop.url)
    assert owners(shop)["7"] == "annie"


def test_an_order_without_a_customer_takes_the_merged_one(shop: Shop) -> None:
    shop.load("1,annie,2023-05-01,10,paid,p,Annie,,", "2,,2023-05-01,10,paid,p,,,", header=HEADER)
    merge(shop, "annie,ann")
    shop.load("1,,2023-05-01,11,paid,p,,,", "2,annie,2023-05-01,10,paid,p,,,", header=HEADER)
    assert owners(shop) == {"1": "ann", "2": "ann"}
    separate_customers(["annie"], shop.url)
    assert owners(shop) == {"1": "annie", "2": "annie"}


def test_a_chain_leads_to_its_end_and_a_part_of_it_can_go(filled: Shop) -> None:
    merge(filled, "annie,ann")
    merge(filled, "ann,person 7", "nobody,ann")
    assert owners(filled) == {"1": "person 7", "2": "person 7", "3": "bob"}
    assert ("person 7", "Ann Lee", "ann@x.org") in filled.query("SELECT id, name, email FROM users")
    separate_customers(["ann"], filled.url)
    assert owners(filled) == {"1": "ann", "2": "ann", "3": "bob"}
    assert sorted(filled.query("SELECT from_id, to_id FROM aliases")) == [("annie", "ann"), ("nobody", "ann")]


@pytest.mark.parametrize(
    ("pairs", "problem"),
    [
        (["annie,ann", "ann,annie"], "line 2: .*circle"),
        (["bob,annie", "ann,bob"], "line 2: .*circle"),
        (["bob,ann", "bob,annie"], "line 3: 'bob' is to be merged into 'ann' and into 'annie'"),
        (["annie,bob"], "line 2: 'annie' is merged into 'ann' already"),
        (["bob,bob"], "line 2: 'bob' cannot be merged into itself"),
        (["bob,"], "line 2: an id is missing"),
        (["bob,ann,x"], "line 2: it cannot be split"),
    ],
)
def test_contradictions_are_refused_in_one_line(shop: Shop, pairs: list[str], problem: str) -> None:
    shop.load(*LINES, header=HEADER)
    merge(shop, "annie,ann")
    before = shop.contents()
    with pytest.raises((InvalidParameter, UnreadableFile), match=problem) as caught:
        merge(shop, *pairs)
    assert "\n" not in caught.value.message
    assert shop.contents() == before


def test_what_is_no_alias_or_no_store(shop: Shop) -> None:
    with pytest.raises(StoreNotFound):
        merge(shop, "a,b")
    shop.load(*LINES, header=HEADER)
    with pytest.raises(InvalidParameter, match="'ann' is not merged"):
        separate_customers(["ann"], shop.url)
    with pytest.raises(UnreadableFile, match="needs the columns from and to"):
        merge_customers(shop.file("a,b", header="old,new"), shop.url)


def test_unknown_ids_are_reported_and_the_same_aliases_change_nothing(filled: Shop) -> None:
    summary = merge(filled, "zoe,eve", " Ann@X.org ,ann")
    assert (summary.unknown_ids, summary.unknown) == (3, ("ann@x.org", "eve", "zoe"))
    before = filled.contents()
    again = merge(filled, "zoe,eve", "ann@x.org,ann", "zoe,eve")
    assert (again.added, again.unchanged) == (0, 3)
    assert filled.contents() == before


def test_a_failing_swap_leaves_the_store(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.load(*LINES, header=HEADER)
    before = shop.contents()

    def fail(_self: DuckDBTarget) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(DuckDBTarget, "swap", fail)
    with pytest.raises(StoreError, match="nothing was changed"):
        merge(shop, "annie,ann")
    assert shop.contents() == before
    assert shop.leftovers() == []


@pytest.mark.parametrize("asked", ["ann", "annie"])
def test_a_person_is_forgotten_under_all_ids(filled: Shop, asked: str) -> None:
    filled.load("8,annie,never,10,paid,p,,,", "9,bob,2023-05-01,1,paid,p,,,", header=HEADER)
    merge(filled, "annie,ann", "anna,annie")
    removed = forget(asked, filled.url, KEY, orders=True)
    assert (removed.orders, removed.refunds, removed.quarantined) == (2, 2, 1)
    assert {asked, *removed.other_ids} == {"ann", "annie", "anna"}
    words = {"ann", "annie", "anna", "Ann Lee", "Annie", "ann@x.org", "annie@x.org"}
    cells = [cell for rows in filled.contents().values() for row in rows for cell in row if isinstance(cell, str)]
    assert not [cell for cell in cells if words.intersection((cell, *cell.split(",")))]
    for own_id in ("ann", "annie", "anna"):
        again = filled.load(f"9{own_id},{own_id},2023-06-01,1,paid,p,Ann,,", "9,bob,2023-05-01,1,paid,p,,,",
                            header=HEADER, forget_key=KEY)  # fmt: skip
        assert again.quarantined == {"forgotten": 1}
        with pytest.raises(InvalidParameter, match="forgotten customer"):
            merge(filled, f"{own_id},bob", key=KEY)
    assert set(owners(filled).values()) == {"bob"}


def test_only_the_names_of_a_merged_person_can_go(filled: Shop) -> None:
    merge(filled, "annie,ann")
    forget("annie", filled.url, KEY)
    filled.load("4,annie,2023-06-01,40,paid,p,Annie,annie@x.org,", header=HEADER, forget_key=KEY)
    assert sorted(filled.query("SELECT id, name, email FROM users")) == [
        ("ann", None, None),
        ("bob", "Bob", "bob@x.org"),
    ]
    assert owners(filled)["4"] == "ann"
    separate_customers(["annie"], filled.url)
    assert sorted(filled.query("SELECT name FROM users"), key=repr) == [("Bob",), (None,), (None,)]


def test_a_forgotten_persons_removed_aliases_are_forgotten_too(filled: Shop) -> None:
    merge(filled, "annie,ann")
    separate_customers(["annie"], filled.url)
    forget("ann", filled.url, KEY, orders=True)
    assert filled.query("SELECT * FROM alias_changes") == []
    assert owners(filled) == {"2": "annie", "3": "bob"}


def test_a_corrected_address_of_a_merged_customer(shop: Shop) -> None:
    header = "Name,Email,Financial Status,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Id"
    line = "#1,{},paid,10,2023-05-01 10:00:00 +0000,1,Pen,10,{}"
    shop.load(line.format("a@x.org", 1), line.format("b@x.org", 2), line.format("c@x.org", 3), header=header)
    merge(shop, "a@x.org,person 1", "b@x.org,person 2")
    shop.load(line.format("b@x.org", 1), header=header)
    assert owners(shop) == {"1": "person 2", "2": "person 2", "3": "c@x.org"}
    separate_customers(["b@x.org"], shop.url)
    assert owners(shop) == {"1": "b@x.org", "2": "b@x.org", "3": "c@x.org"}


def test_the_service_answers_for_one_customer(shop: Shop) -> None:
    shop.load(*LINES, header=HEADER, views=VIEWS)
    workflow.add_aliases(shop.settings, shop.file("annie,ann", header="from,to"))
    answers = Answers.open(shop.settings, lazily=True)
    body = answers.customer("ann", Period.ALL_TIME, frozenset(), False, None)  # noqa: FBT003  # by position only
    assert '"total_orders": 2' in as_json(body)
    with pytest.raises(CustomerNotFound):
        answers.customer("annie", Period.ALL_TIME, frozenset(), False, None)  # noqa: FBT003
    (row,) = workflow.aliases_of(shop.settings).to_pylist()
    assert row == {"from": "annie", "to": "ann", "customer": "ann"}
    assert "added" in workflow.render_history(workflow.alias_history(shop.settings))


@pytest.fixture(params=["duckdb", *ON_SERVERS, ON_SPARK])
def readable(request: pytest.FixtureRequest, make_spark: Callable[[], Shop]) -> Shop:
    """A shop on each engine, to read with the engine itself."""
    if request.param == "spark":
        request.getfixturevalue("spark_session")
        return make_spark()
    shop: Shop = (
        request.getfixturevalue("shop") if request.param == "duckdb" else request.getfixturevalue(request.param)()
    )
    return shop


def test_likely_duplicates_are_those_of_one_address(readable: Shop) -> None:
    shop = readable
    shop.load(
        "1,7,2023-05-01,10,paid,p,, Ann@X.org,",
        "2,8,2023-05-01,20,paid,p,,ann@x.org,",
        "3,8,2023-05-01,5,cancelled,p,,,",
        "4,9,2023-05-02,1,paid,p,,bob@x.org,",
        "5,ann@x.org,2023-05-03,1,paid,p,,,",
        "6,ann@x.org,2023-05-04,1,paid,p,,,",
        header=HEADER,
    )
    found, currency = workflow.suggested_aliases(shop.settings)
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("ann@x.org", "ann@x.org", 2, 200, "ann@x.org"),
        ("ann@x.org", "7", 1, 1000, "ann@x.org"),
        ("ann@x.org", "8", 1, 2000, "ann@x.org"),
    ]
    assert "ann@x.org: 3 ids, 4 orders, 32.00 USD" in workflow.render_suggestions(found, currency)
    workflow.write_suggestions(found, path := shop.folder / "same.csv")
    assert workflow.add_aliases(shop.settings, path).added == 2
    assert workflow.suggested_aliases(shop.settings)[0].num_rows == 0
    assert workflow.aliases_of(shop.settings).column("from").to_pylist() == ["7", "8"]
    assert workflow.alias_history(shop.settings).num_rows == 2
