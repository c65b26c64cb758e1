"""The list of a campaign's customers, sent to a webhook that the settings list."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import urlsplit

from customer_revenue.errors import InvalidParameter
from customer_revenue.workflows.bodies import Body
from customer_revenue.workflows.campaigns.campaign_file import CampaignFile
from customer_revenue.workflows.campaigns.create_campaign import listed_members
from customer_revenue.workflows.webhooks import send_to_webhook

CUSTOMERS_AT_ONCE = 10_000
"""Of one message; a longer list is sent in parts."""


class CampaignWebhooks:
    """The addresses that the settings list, known to others by their place and host: a path may hold a secret.

    Args:
        addresses: the setting ``webhooks``.
        networks: the setting ``webhook_networks``.
    """

    def __init__(self, addresses: Sequence[str], networks: Sequence[str]) -> None:
        self._addresses, self._networks = tuple(addresses), tuple(networks)

    def listed(self) -> list[Body]:
        """Their places, from 1, and hosts."""
        return [{"webhook": n, "host": urlsplit(one).hostname or ""} for n, one in enumerate(self._addresses, 1)]

    def send(self, file: CampaignFile, name: str, webhook: int) -> Body:
        """Send the ids of those who are to be contacted, never of those held out.

        Args:
            file: of the campaigns.
            name: of the campaign.
            webhook: place of the address, from 1.

        Raises:
            CampaignNotFound: there is none of that name.
            InvalidParameter: no address has this place.
            WebhookFailed: it does not take a message; earlier parts have been sent.
        """
        campaign = file.campaign(name)
        if not 1 <= webhook <= len(self._addresses):
            raise InvalidParameter(f"webhook: the setting webhooks lists {len(self._addresses)} addresses")
        url = self._addresses[webhook - 1]
        ids = listed_members(file, name, treated=True)["customer_id"].to_pylist()
        parts = [ids[at : at + CUSTOMERS_AT_ONCE] for at in range(0, len(ids), CUSTOMERS_AT_ONCE)]
        for n, part in enumerate(parts, 1):
            of = f", part {n} of {len(parts)}" if len(parts) > 1 else ""
            message = {
                "text": f"Campaign {name}: {len(part):,} customers to contact{of}",
                "campaign": name,
                "action": campaign.action,
                "started_on": str(campaign.started_on),
                "ends_on": str(campaign.ends_on),
                "part": n,
                "parts": len(parts),
                "customer_ids": part,
            }
            send_to_webhook(url, json.dumps(message).encode(), self._addresses, self._networks)
        return {"campaign": name, "host": urlsplit(url).hostname, "customers": len(ids), "messages": len(parts)}
