"""Remove a person's data wherever this package keeps it, and say what was removed and what holds them still."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from customer_revenue.errors import CustomerNotFound
from customer_revenue.orders.forgotten_customers import keyed_hash
from customer_revenue.orders.imports.remove_personal_data import Forgotten
from customer_revenue.orders.imports.remove_personal_data import forget as forget_in_store
from customer_revenue.orders.stored_tables import forgotten_hashes
from customer_revenue.settings import Settings
from customer_revenue.workflows.campaigns.campaign_file import CampaignFile
from customer_revenue.workflows.customer_base.kept_snapshots import KeptSnapshots
from customer_revenue.workflows.forgotten_file import ForgottenFile
from customer_revenue.workflows.import_orders import views
from customer_revenue.workflows.monitoring.prediction_log import customers_in_log, forget_in_log

NOBODYS_DATA = "Models, their runs in MLflow, metrics, logs and traces hold nobody's data: nothing to remove."
IN_MEMORY = "A running service drops them from memory within seconds: customers, cached answers, contacts."
ELSEWHERE = "Not reached: downloads, what was redirected or copied, and what browsers keep, such as saved views."


def forget(settings: Settings, user_id: str, *, orders: bool) -> str:
    """Remove a person's name and e-mail from the store and its quarantine, and say what was removed.

    What was interrupted is completed by the next call.

    Args:
        settings: the store, and the key under which a later import knows the person as forgotten.
        user_id: the customer.
        orders: remove the orders, their lines and the refunds too, and the id itself, in the prediction log and the
            campaigns as well.

    Raises:
        CustomerNotFound: the store knows no such customer.
        InvalidParameter: the settings have no key, or another one than before.
        StoreError: the store cannot be read or written.
        UnreadableFile: the file of who was forgotten is damaged; the store has forgotten them.
    """
    key = settings.forget_key.get_secret_value()
    head = "Removed"
    try:
        removed = forget_in_store(user_id, settings.store, key, orders=orders, views=views(settings))
    except CustomerNotFound:
        gone = {name for name, orders_too in forgotten_hashes(settings.store).items() if orders_too}
        if not orders or keyed_hash(key, user_id) not in gone:
            raise
        head = "Forgotten by the store before; removed"
        left = {name for name in ids_elsewhere(settings.log, settings.campaigns) if keyed_hash(key, name) in gone}
        others = tuple(sorted(left - {user_id}))
        removed = Forgotten(name_or_email=False, orders=0, items=0, refunds=0, quarantined=0, other_ids=others)
    known = ForgottenFile(settings.forgotten)
    known.add_hashes(forgotten_hashes(settings.store))
    ids = (user_id, *removed.other_ids)
    logged = sum(forget_in_log(settings.log, own_id) for own_id in ids) if orders and settings.log else 0
    campaigns = CampaignFile(settings.campaigns)
    left_by = [campaigns.forget_customer(own_id) for own_id in ids] if orders else []
    counts = {
        "name or e-mail": int(removed.name_or_email),
        "orders": removed.orders,
        "order lines": removed.items,
        "refunds": removed.refunds,
        "quarantined rows": removed.quarantined,
        "aliases": removed.aliases,
        "logged predictions": logged,
        "campaigns": sum(joined for joined, _ in left_by),
        "contacts": sum(contacts for _, contacts in left_by),
        "shared snapshots": KeptSnapshots(settings.snapshots).discard(),
    }
    if removed.other_ids:
        counts["further ids"] = len(removed.other_ids)
    lines = [f"{name:<18}{count:>8,}" for name, count in counts.items()]
    kept = "A later import brings neither name nor e-mail back."
    gone_too = "A later import leaves this customer out."
    held = [f"Still in the backup {backup.text()}; restoring it forgets them again." for backup in known.backups()]
    exported = [
        f"Still in the file {export.text()}: remove it, or write it again."
        for export in known.exports()
        if _names(export.path, ids)
    ]
    return "\n".join([head, *lines, gone_too if orders else kept, *held, *exported, IN_MEMORY, NOBODYS_DATA, ELSEWHERE])


def ids_elsewhere(log: Path | None, campaigns: Path) -> set[str]:
    """The ids of all customers in the prediction log, the campaigns and the contact log."""
    return (customers_in_log(log) if log is not None else set()) | CampaignFile(campaigns).customers()


def _names(path: Path, ids: Collection[str]) -> bool:
    """Whether a file of customers has a cell that is one of the ids; a file that cannot be read may have."""
    try:
        if path.suffix.lower() == ".parquet" or path.is_dir():
            table = pq.read_table(path)
            texts = [column for column in table.columns if pa.types.is_string(column.type)]
            return any(pc.any(pc.is_in(column, value_set=pa.array(ids, pa.string()))).as_py() for column in texts)
        words = "|".join(re.escape(own_id) for own_id in ids)
        cell = re.compile(rf"""(^|[,;|\t"'])({words})($|[,;|\t"\r\n])""")
        with path.open(encoding="utf-8") as lines:
            return any(cell.search(line) for line in lines)
    except (OSError, ValueError):
        return True
