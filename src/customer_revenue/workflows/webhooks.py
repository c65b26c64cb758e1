"""Messages to webhooks: only to addresses that the settings list, over https, to public networks, never redirected."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Collection
from http.client import HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from customer_revenue.errors import InvalidParameter, WebhookFailed

SECONDS = 10.0
LOGGED = 200
"""Characters of an answer that a message names."""


def send_to_webhook(url: str, body: bytes, allowed: Collection[str], networks: Collection[str] = ()) -> None:
    """POST JSON to a webhook.

    The name is looked up once, and the connection goes to the address that was checked: a name that changes its address
    meanwhile leads nowhere else.

    Args:
        url: the address.
        body: JSON.
        allowed: the addresses that may be used, each as a whole.
        networks: private networks that may be reached all the same, such as ``10.1.0.0/16``.

    Raises:
        InvalidParameter: the address is not listed, or is not of the form https://…
        WebhookFailed: it leads to a private network, does not answer, or does not answer with a status of 200 to 299.
    """
    parts = urlsplit(url)
    if url not in allowed:
        raise InvalidParameter("webhook: the address is not among those of the setting webhooks")
    if parts.scheme != "https" or not parts.hostname or parts.username is not None:
        raise InvalidParameter("webhook: an address begins with https:// and has no user")
    port = parts.port or 443
    connection = _Pinned(parts.hostname, port, _address(parts.hostname, port, networks))
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    try:
        connection.request("POST", target, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        if not 200 <= answer.status < 300:
            said = answer.read(LOGGED).decode("utf-8", "replace")
            raise WebhookFailed(f"the webhook at {parts.hostname} answered with status {answer.status}: {said}")
    except (OSError, HTTPException) as error:
        raise WebhookFailed(f"the webhook at {parts.hostname} does not answer: {error}") from None
    finally:
        connection.close()


class _Pinned(HTTPSConnection):
    """A connection to one address, whose certificate must be of the name."""

    def __init__(self, name: str, port: int, address: str) -> None:
        self._verifying = ssl.create_default_context()
        super().__init__(name, port, timeout=SECONDS, context=self._verifying)
        self._address = address

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = self._verifying.wrap_socket(plain, server_hostname=self.host)


def _address(name: str, port: int, networks: Collection[str]) -> str:
    """An address of a name, all of whose addresses may be reached."""
    try:
        found = {str(row[4][0]) for row in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)}
    except OSError as error:
        raise WebhookFailed(f"the webhook at {name} cannot be found: {error.strerror or error}") from None
    try:
        listed = [ipaddress.ip_network(one) for one in networks]
    except ValueError as error:
        raise InvalidParameter(f"webhook_networks: {error}") from None
    for one in found:
        address = ipaddress.ip_address(one.partition("%")[0])
        inner = getattr(address, "ipv4_mapped", None) or address
        if not (inner.is_global and not inner.is_multicast) and not any(inner in network for network in listed):
            raise WebhookFailed(f"the webhook at {name} leads to the private address {one}, which is not listed")
    return min(found)
