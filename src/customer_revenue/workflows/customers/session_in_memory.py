"""A session whose customers may be in memory: of its own, or in a file that several processes map."""

from __future__ import annotations

import logging
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from customer_revenue.errors import StoreError
from customer_revenue.orders.store import Store
from customer_revenue.periods import AsOf
from customer_revenue.policy import Policy
from customer_revenue.workflows.campaigns.contact_limits import ContactLimits
from customer_revenue.workflows.customer_base.snapshot import CustomerSnapshot
from customer_revenue.workflows.customers.session import Session

if TYPE_CHECKING:
    from customer_revenue.workflows.customer_base.analytics import CustomerBase

logger = logging.getLogger(__name__)


class SessionInMemory(Session):
    """A session that can have every customer as of the present day in memory."""

    _snapshot: CustomerSnapshot | None = None
    _snapshot_base: CustomerBase | None = None
    """The customer base that the snapshot was made from."""
    _base: CustomerBase | None = None

    @cached_property
    def limits(self) -> ContactLimits:
        """Who must not be contacted, by the contact log and the campaigns that run."""
        return ContactLimits(self._settings.campaigns, self._policy.decisions)

    def refresh_snapshot(self, *, shared: bool = False) -> None:
        """Have every customer as of the present day in memory, unless they are there already.

        A store with more customers than the settings allow, or one that may change unnoticed, is asked each time.

        Args:
            shared: map a file that other processes of this machine map too, and that outlives them; a process of its
                own makes it, if it is not there. Where it cannot be made, this process keeps customers of its own.

        Raises:
            CustomerRevenueError: the store cannot answer, or has no customers.
        """
        if not self._wants_snapshot or (shared and self._share_snapshot()):
            return
        base = self._base_for_snapshot()
        snapshot = base.snapshot()
        if self._store.stale():
            return  # it changed while it was read: the next check opens the newer one
        self._take_up(snapshot, base)

    def keep_snapshot(self) -> None:
        """Write every customer as of the present day to the folder that the settings name, for all to map.

        Raises:
            CustomerRevenueError: the store cannot answer, has no customers, or changed while it was read.
            OSError: the folder cannot be written.
        """
        from customer_revenue.workflows.customers.shared_snapshot import snapshots_of, write_shared

        key = self.snapshot_key

        def write(folder: Path) -> None:
            write_shared(self._base_for_snapshot(folder), folder)
            if self._store.stale():
                raise StoreError("the store changed while it was read")

        snapshots_of(self._settings).make(key, write)

    def take_up_kept_snapshot(self) -> bool:
        """Map the snapshot that is kept of this store, model, policy and day, if there is one."""
        from customer_revenue.workflows.customers.shared_snapshot import open_shared, snapshots_of

        folder = snapshots_of(self._settings).find(self.snapshot_key) if self._wants_snapshot else None
        found = folder and open_shared(folder, self._store, self._settings.store_options)
        if not found:
            return False
        kept, store = found
        base = self._base_of(store, self.when(None))
        base.adopt(kept)
        self._take_up(kept.snapshot, base)
        return True

    @property
    def snapshot_key(self) -> str:
        """What a snapshot of all customers follows from, as a name."""
        from customer_revenue.workflows.customers.shared_snapshot import snapshot_key

        return snapshot_key(self.info, self.when(None).day, self._model, self._policy)

    @property
    def _wants_snapshot(self) -> bool:
        day, snapshot = self.cacheable_day(), self._snapshot
        too_many = self.info.customers > self._settings.customers_in_memory
        return not (day is None or too_many or (snapshot and snapshot.day == day))

    def _share_snapshot(self) -> bool:
        """Take up the shared snapshot, made by a process of its own if need be; ``False`` where that cannot be."""
        from customer_revenue.workflows.customers.shared_snapshot import make_snapshot_in_child, snapshots_of

        if self.take_up_kept_snapshot():
            return True
        model = {"model": str(self._model.folder)} if self._model else {}
        try:
            with snapshots_of(self._settings).building():
                if not self.take_up_kept_snapshot():
                    make_snapshot_in_child(self._settings.model_copy(update=model))
        except (OSError, StoreError) as error:
            logger.warning("this worker keeps customers of its own in memory: %s", error)
            return self._store.stale()
        return not self._wants_snapshot or self.take_up_kept_snapshot()

    def _base_for_snapshot(self, folder: Path | None = None) -> CustomerBase:
        """The base to make a snapshot from: of a copy on this machine where the store takes minutes for it."""
        copy = self._store.local_copy(self._settings.store_options, folder)
        return self._base_of(copy, self.when(None)) if copy else self.base()

    def _take_up(self, snapshot: CustomerSnapshot, base: CustomerBase) -> None:
        self._snapshot, self._snapshot_base, self._base = snapshot, base, None
        logger.info("%s customers in memory as of %s", f"{self.info.customers:,}", snapshot.day)

    @property
    def has_snapshot(self) -> bool:
        """Whether the customers of the present day are in memory."""
        return self._snapshot is not None

    def base(self, as_of: str | None = None) -> CustomerBase:
        """The customer base as of a day; the one of the day asked about last is kept."""
        return self._base_on(self.when(as_of))

    def _base_on(self, when: AsOf) -> CustomerBase:
        of_snapshot, base = self._snapshot_base, self._base
        if of_snapshot is not None and of_snapshot.when.day == when.day and self.freshness.is_valid:
            return of_snapshot
        if base is None or base.when.day != when.day:
            base = self._base = self._base_of(self._store, when)
        return base

    def _base_of(self, store: Store, when: AsOf, policy: Policy | None = None) -> CustomerBase:
        from customer_revenue.workflows.customer_base.analytics import CustomerBase

        model = self.model_on(when) if self._model else None
        return CustomerBase(store, when, policy or self._policy, model, self._problem, self.limits)
