"""Campaigns with a hold-out, in a notebook."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from customer_revenue.library.customers import CustomerModel
from customer_revenue.library.frame_columns import DayLike, as_day
from customer_revenue.library.money import customer_base
from customer_revenue.library.orders import Orders
from customer_revenue.policy import load_policy
from customer_revenue.workflows.campaigns.audience import Audience
from customer_revenue.workflows.campaigns.campaign_file import CampaignFile
from customer_revenue.workflows.campaigns.campaign_report import campaign_report, uplift_to_learn
from customer_revenue.workflows.campaigns.contact_log import contacts_of
from customer_revenue.workflows.campaigns.create_campaign import (
    CampaignPlan,
    campaign_fields,
    create_campaign,
    listed_members,
)
from customer_revenue.workflows.campaigns.learn_effect import learn_effect, unlearn_effect


class Campaigns:
    """Campaigns that hold some of their audience out, and so measure what they bring.

    They are kept in a file that command and service use too.

    Args:
        orders: the store.
        model: a model fitted to it, whose decisions and predictions choose and describe the audience.
        file: of the campaigns; by default that of the setting ``campaigns``.

    >>> import customer_revenue as cr, pathlib, tempfile
    >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
    >>> folder = tempfile.TemporaryDirectory()
    >>> orders = cr.load_orders(cr.simulate_orders(400, days=365, seed=1))
    >>> model = cr.CustomerModel(options=quick).fit(orders, as_of="2023-10-01")
    >>> campaigns = cr.Campaigns(orders, model, pathlib.Path(folder.name, "campaigns.sqlite"))
    >>> made = campaigns.create("autumn", "check_in", rule="days_since_order >= 30", hold_out=0.5)
    >>> made["treated"] - made["held_out"] in (-1, 0, 1)
    True
    >>> len(campaigns.customers("autumn")) == made["treated"]
    True
    >>> found = campaigns.report("autumn")
    >>> found["until"], found["interval"]
    ('2023-10-31', 'at the fixed date')
    >>> orders.close(), folder.cleanup()
    (None, None)
    """

    def __init__(self, orders: Orders, model: CustomerModel, file: str | Path | None = None) -> None:
        self._orders, self._model = orders, model
        self._file = CampaignFile(orders.settings.campaigns if file is None else Path(file))

    def create(
        self,
        name: str,
        action: str,
        *,
        segments: Sequence[str] = (),
        customer_ids: Collection[str] | None = None,
        rule: str | None = None,
        hold_out: float = 0.2,
        days: int = 30,
        as_of: DayLike | None = None,
    ) -> dict[str, Any]:
        """Choose an audience, hold some of it out at random, and record both.

        Args:
            name: of the campaign.
            action: code of the policy's action.
            segments: value segments of the audience. Of segments, ids and rule, all that are given have to hold;
                without any the audience is everybody whose decision is the action.
            customer_ids: a list of customers.
            rule: conditions such as ``net_revenue >= 200 and churn_risk > 0.5``; docs/actions.md has what they compare.
            hold_out: share that is not contacted, 0.01 to 0.9.
            days: for which orders count, 1 to 365.
            as_of: day after which it begins; by default the day of the model's fit.

        Returns:
            ``treated`` and ``held_out`` customers, ``left_out`` by reason, and what the campaign can find.

        Raises:
            InvalidParameter: a value outside of those allowed, a name that exists, or too few customers.

        >>> import customer_revenue as cr, pathlib, tempfile
        >>> quick = cr.ModelOptions(learned=False, windows=1, regularity=1)
        >>> with cr.load_cdnow(sample=True) as orders, tempfile.TemporaryDirectory() as folder:
        ...     model = cr.CustomerModel(options=quick).fit(orders, as_of="1997-09-30")
        ...     campaigns = cr.Campaigns(orders, model, pathlib.Path(folder, "campaigns.sqlite"))
        ...     made = campaigns.create("spring", "win_back_campaign", rule="churn_risk > 0.5 and orders >= 2")
        >>> made["audience"], made["held_out"] > 0
        ('churn_risk > 0.5 and orders >= 2', True)
        """
        base = customer_base(self._orders, self._model, as_of)
        audience = Audience(segments, customer_ids, rule)
        return create_campaign(base, self._file, CampaignPlan(name, action, hold_out, days), audience)

    def frame(self) -> pd.DataFrame:
        """All campaigns, in the order of their first day.

        >>> import customer_revenue as cr, pathlib, tempfile
        >>> with cr.load_cdnow(sample=True) as orders, tempfile.TemporaryDirectory() as folder:
        ...     campaigns = cr.Campaigns(orders, cr.CustomerModel(), pathlib.Path(folder, "campaigns.sqlite"))
        ...     len(campaigns.frame())
        0
        """
        today = self._orders.store.as_of().day
        return pd.DataFrame([campaign_fields(one, today) for one in self._file.campaigns()])

    def customers(self, name: str, *, treated: bool = True) -> list[str]:
        """The ids of those who are contacted, or of those held out.

        Raises:
            CampaignNotFound: there is none of that name.

        >>> import customer_revenue as cr, pathlib, tempfile
        >>> with cr.load_cdnow(sample=True) as orders, tempfile.TemporaryDirectory() as folder:
        ...     campaigns = cr.Campaigns(orders, cr.CustomerModel(), pathlib.Path(folder, "campaigns.sqlite"))
        ...     campaigns.customers("spring", treated=False)
        Traceback (most recent call last):
        ...
        customer_revenue.errors.CampaignNotFound: campaign: 'spring' is not one of none
        """
        ids: list[str] = listed_members(self._file, name, treated=treated)["customer_id"].to_pylist()
        return ids

    def report(self, name: str, as_of: DayLike | None = None) -> dict[str, Any]:
        """What a campaign brought until a day, by default the store's: differences with 95 % intervals.

        Raises:
            CampaignNotFound: there is none of that name.
            InvalidParameter: nothing has come of it yet, or too few customers are left.

        >>> import customer_revenue as cr, pathlib, tempfile
        >>> with cr.load_cdnow(sample=True) as orders, tempfile.TemporaryDirectory() as folder:
        ...     campaigns = cr.Campaigns(orders, cr.CustomerModel(), pathlib.Path(folder, "campaigns.sqlite"))
        ...     campaigns.report("spring")
        Traceback (most recent call last):
        ...
        customer_revenue.errors.CampaignNotFound: campaign: 'spring' is not one of none
        """
        settings = self._orders.settings
        policy = load_policy(settings.policy, settings.learned_effects, without=name)
        when = self._orders.store.as_of(as_day(as_of))
        return campaign_report(self._orders.store, policy, self._file, name, when)

    def add_contacts(self, contacts: pd.DataFrame) -> int:
        """Record who was contacted when, so that campaigns leave out those contacted just now or too often.

        Args:
            contacts: ``customer_id``, ``contacted_on`` (days) and, if known, ``channel``.

        Returns:
            How many were not known yet.

        Raises:
            InvalidParameter: a row cannot be used; names it.

        >>> import customer_revenue as cr, pandas as pd, pathlib, tempfile
        >>> with cr.load_cdnow(sample=True) as orders, tempfile.TemporaryDirectory() as folder:
        ...     campaigns = cr.Campaigns(orders, cr.CustomerModel(), pathlib.Path(folder, "campaigns.sqlite"))
        ...     sent = pd.DataFrame({"customer_id": ["ann", "bob"], "contacted_on": ["2024-05-30", "2024-05-31"]})
        ...     campaigns.add_contacts(sent), campaigns.add_contacts(sent)
        (2, 0)
        """
        texts = contacts.assign(contacted_on=pd.to_datetime(contacts["contacted_on"]).dt.strftime("%Y-%m-%d"))
        rows = texts.astype(str).to_dict("records")
        named = ((f"row {place}", {str(key): value for key, value in row.items()}) for place, row in enumerate(rows))
        return self._file.add_contacts(list(contacts_of(named)))

    def learn(self, name: str) -> dict[str, Any]:
        """Join what a finished campaign measured with what the policy believes, from then on.

        Returns:
            The record, which is dated and kept in the file of the setting ``learned_effects``.

        Raises:
            CampaignNotFound: there is none of that name.
            InvalidParameter: it has not ended, its split does not look random, or it was learned before.

        >>> import customer_revenue as cr, pathlib, tempfile
        >>> with cr.load_cdnow(sample=True) as orders, tempfile.TemporaryDirectory() as folder:
        ...     campaigns = cr.Campaigns(orders, cr.CustomerModel(), pathlib.Path(folder, "campaigns.sqlite"))
        ...     campaigns.learn("spring")
        Traceback (most recent call last):
        ...
        customer_revenue.errors.CampaignNotFound: campaign: 'spring' is not one of none
        """
        campaign, settings = self._file.campaign(name), self._orders.settings
        report = self.report(name)
        uplift = uplift_to_learn(self._orders.store, load_policy(settings.policy), self._file, report)
        return learn_effect(settings.learned_effects, campaign, report, uplift).model_dump(exclude_none=True)

    def unlearn(self, name: str) -> None:
        """Take back what was learned from a campaign.

        Raises:
            InvalidParameter: it was not learned.

        >>> import customer_revenue as cr, pathlib, tempfile
        >>> with cr.load_cdnow(sample=True) as orders, tempfile.TemporaryDirectory() as folder:
        ...     campaigns = cr.Campaigns(orders, cr.CustomerModel(), pathlib.Path(folder, "campaigns.sqlite"))
        ...     campaigns.unlearn("spring")
        Traceback (most recent call last):
        ...
        customer_revenue.errors.InvalidParameter: campaign: 'spring' was not learned; learned: none
        """
        unlearn_effect(self._orders.settings.learned_effects, name)

    def remove(self, name: str) -> None:
        """Remove a campaign and the record of its customers.

        Raises:
            CampaignNotFound: there is none of that name.

        >>> import customer_revenue as cr, pathlib, tempfile
        >>> with cr.load_cdnow(sample=True) as orders, tempfile.TemporaryDirectory() as folder:
        ...     campaigns = cr.Campaigns(orders, cr.CustomerModel(), pathlib.Path(folder, "campaigns.sqlite"))
        ...     campaigns.remove("spring")
        Traceback (most recent call last):
        ...
        customer_revenue.errors.CampaignNotFound: campaign: 'spring' is not one of none
        """
        self._file.remove(name)
