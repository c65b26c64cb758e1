"""Remove a person's data from the store, its quarantine, the prediction log, the campaigns and the shared snapshot."""

from __future__ import annotations

from customer_revenue.orders.imports.remove_personal_data import forget as forget_in_store
from customer_revenue.orders.stored_tables import forgotten_hashes
from customer_revenue.settings import Settings
from customer_revenue.workflows.campaigns.campaign_file import CampaignFile
from customer_revenue.workflows.customer_base.kept_snapshots import KeptSnapshots
from customer_revenue.workflows.forgotten_file import ForgottenFile
from customer_revenue.workflows.import_orders import views
from customer_revenue.workflows.monitoring.prediction_log import forget_in_log


def forget(settings: Settings, user_id: str, *, orders: bool) -> str:
    """Remove a person's name and e-mail from the store and its quarantine, and say what was removed.

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
    removed = forget_in_store(user_id, settings.store, key, orders=orders, views=views(settings))
    known = ForgottenFile(settings.forgotten)
    known.add_hashes(forgotten_hashes(settings.store))
    ids = (user_id, *removed.other_ids)
    logged = sum(forget_in_log(settings.log, own_id) for own_id in ids) if orders and settings.log else 0
    campaigns = CampaignFile(settings.campaigns)
    joined = sum(campaigns.forget_customer(own_id) for own_id in ids) if orders else 0
    counts = {
        "name or e-mail": int(removed.name_or_email),
        "orders": removed.orders,
        "order lines": removed.items,
        "refunds": removed.refunds,
        "quarantined rows": removed.quarantined,
        "logged predictions": logged,
        "campaigns": joined,
        "shared snapshots": KeptSnapshots(settings.snapshots).discard(),
    }
    if removed.other_ids:
        counts["further ids"] = len(removed.other_ids)
    lines = [f"{name:<18}{count:>8,}" for name, count in counts.items()]
    kept = "A later import brings neither name nor e-mail back."
    gone = "A later import leaves this customer out."
    held = [f"Still in the backup {backup.text()}; restoring it forgets them again." for backup in known.backups()]
    return "\n".join(["Removed", *lines, gone if orders else kept, *held])
