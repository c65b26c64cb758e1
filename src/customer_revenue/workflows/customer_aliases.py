"""Aliases: customers that are one person's, merged in every figure; and those that are likely to be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from customer_revenue.currencies import money_text
from customer_revenue.orders.duplicates import likely_duplicates
from customer_revenue.orders.imports import change_aliases
from customer_revenue.orders.imports.change_aliases import AliasSummary
from customer_revenue.orders.store import open_store
from customer_revenue.settings import Settings
from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.exports import as_csv, check_output, write_table
from customer_revenue.workflows.import_orders import views

_MAX_SHOWN = 20


def add_aliases(settings: Settings, path: Path) -> AliasSummary:
    """Merge customers into others, as a file with the columns ``from`` and ``to`` says.

    Raises:
        InputError: the file cannot be used; the store is left as it was.
        StoreError: the store cannot be read or written.
    """
    key = settings.forget_key.get_secret_value()
    return change_aliases.merge_customers(path, settings.store, key, views=views(settings))


def remove_aliases(settings: Settings, ids: Sequence[str]) -> AliasSummary:
    """Give customers that were merged into others their own orders again.

    Raises:
        InvalidParameter: an id is not merged into another.
        StoreError: the store cannot be read or written.
    """
    return change_aliases.separate_customers(ids, settings.store, views=views(settings))


def aliases_of(settings: Settings) -> pa.Table:
    """Return the aliases: ``from``, ``to``, and ``customer``, at the end of the chain.

    Raises:
        StoreError: the store cannot be read.
    """
    with open_store(settings.store, settings.store_options) as store:
        found = store.aliases()
    table = pa.table({"from": found.column("from_id"), "to": found.column("to_id"), "customer": found.column("to_id")})
    steps = pa.table({"customer": found.column("from_id"), "next": found.column("to_id")})
    while pc.any(pc.is_in(table.column("customer"), value_set=steps.column("customer").combine_chunks())).as_py():
        ahead = table.join(steps, "customer", join_type="left outer")
        customers = pc.coalesce(ahead.column("next"), ahead.column("customer"))
        table = ahead.drop_columns(["customer", "next"]).append_column("customer", customers)
    return table.sort_by("from")


def alias_history(settings: Settings) -> pa.Table:
    """Return when aliases were added and removed: ``changed_at`` (UTC), ``action``, ``from``, ``to``.

    Raises:
        StoreError: the store cannot be read.
    """
    with open_store(settings.store, settings.store_options) as store:
        return store.alias_changes().rename_columns(["changed_at", "action", "from", "to"])


def suggested_aliases(settings: Settings) -> tuple[pa.Table, str]:
    """Return the customers that are likely to be one, by ``likely_duplicates``, and the currency of the store.

    Raises:
        StoreError: the store cannot be read.
    """
    with open_store(settings.store, settings.store_options) as store:
        return store.fetch(likely_duplicates(store.tables)), store.info.currency


def write_suggestions(found: pa.Table, path: Path) -> None:
    """Write likely duplicates as a file that ``add_aliases`` reads: a line for each customer to merge.

    Raises:
        InvalidParameter: the file cannot be written.
    """
    check_output(path)
    merged = found.filter(pc.not_equal(found.column("customer_id"), found.column("merged_into")))
    names = {
        "customer_id": "from",
        "merged_into": "to",
        "email": "email",
        "orders": "orders",
        "total_cents": "total_cents",
    }
    rows = merged.select(list(names)).rename_columns(list(names.values()))
    if path.suffix.lower() == ".csv":
        path.write_bytes(b"".join(as_csv(rows)))
    else:
        write_table(rows, path)


def summary_body(summary: AliasSummary) -> Body:
    """What a change of aliases did, as plain objects."""
    return {
        "added": summary.added,
        "removed": summary.removed,
        "unchanged": summary.unchanged,
        "orders_moved": summary.orders,
        "unknown_ids": summary.unknown_ids,
        "unknown_examples": list(summary.unknown),
        "customers_in_store": summary.customers_in_store,
        "aliases_in_store": summary.aliases_in_store,
    }


def render_summary(summary: AliasSummary) -> str:
    """Render what a change of aliases did as text."""
    changed = f"{summary.added:,} aliases added, {summary.removed:,} removed, {summary.unchanged:,} unchanged"
    lines = [
        f"{changed}; {summary.orders:,} orders moved to another customer",
        f"The store has {summary.aliases_in_store:,} aliases and {summary.customers_in_store:,} customers.",
    ]
    if summary.unknown_ids:
        more = ", …" if summary.unknown_ids > len(summary.unknown) else ""
        lines.append(f"{summary.unknown_ids:,} ids are in no order yet: {', '.join(summary.unknown)}{more}")
    return "\n".join(lines)


def rows_body(name: str, rows: pa.Table) -> Body:
    """Rows as plain objects, with times in UTC."""
    times = [i for i, field in enumerate(rows.schema) if pa.types.is_timestamp(field.type)]
    for place in times:
        text = pc.strftime(rows.column(place), format="%Y-%m-%dT%H:%M:%SZ")
        rows = rows.set_column(place, rows.schema.names[place], text)
    return {name: rows.to_pylist()}


def render_aliases(rows: pa.Table) -> str:
    """Render aliases as text, a line each."""
    lines = [
        f"{row['from']}  ->  {row['to']}" + ("" if row["customer"] == row["to"] else f"  ->  {row['customer']}")
        for row in rows.to_pylist()
    ]
    return "\n".join(lines) or "No customer is merged into another."


def render_history(rows: pa.Table) -> str:
    """Render the history of the aliases as text, a line for each change."""
    lines = [
        f"{row['changed_at']:%Y-%m-%d %H:%M:%S}Z  {row['action']:<7}  {row['from']}  ->  {row['to']}"
        for row in rows.to_pylist()
    ]
    return "\n".join(lines) or "No alias was ever added."


def render_suggestions(found: pa.Table, currency: str) -> str:
    """Render the first likely duplicates as text: an address a line, with its ids, orders and amount."""
    shared = found.group_by("email", use_threads=False).aggregate(
        [("customer_id", "list"), ("customer_id", "count"), ("orders", "sum"), ("total_cents", "sum")]
    )
    lines = [
        f"{row['email']}: {row['customer_id_count']} ids, {row['orders_sum']:,} orders,"
        f" {money_text(row['total_cents_sum'], currency)} ({', '.join(row['customer_id_list'][:5])})"
        for row in shared.slice(0, _MAX_SHOWN).to_pylist()
    ]
    if shared.num_rows > _MAX_SHOWN:
        lines.append(f"and {shared.num_rows - _MAX_SHOWN:,} more addresses: --output writes all")
    return "\n".join(lines) or "No e-mail address has several customers."
