"""The process that informs MLflow for a service: ``python -m customer_revenue.workflows.registry.delivery_child``.

MLflow takes seconds to import and hundreds of megabytes, which no worker is to spend. Where the models and the tracking
server are comes as JSON on the standard input, since an address may hold a password.
"""

from __future__ import annotations

import subprocess
import sys

from customer_revenue.settings import RegistryOptions
from customer_revenue.workflows.registry.tracking_delivery import deliver

DELIVERY_CHILD = "customer_revenue.workflows.registry.delivery_child"
DELIVERY_SECONDS = 300.0


def deliver_in_child(registry: RegistryOptions) -> None:
    """Send what waits for MLflow, in a process of its own; what cannot be sent goes on waiting."""
    try:
        subprocess.run(  # noqa: S603  # our own arguments
            [sys.executable, "-m", DELIVERY_CHILD],
            input=registry.model_dump_json(),
            text=True,
            stdout=subprocess.DEVNULL,
            timeout=DELIVERY_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return


def main() -> None:
    """Send what waits."""
    deliver(RegistryOptions.model_validate_json(sys.stdin.read()))


if __name__ == "__main__":
    main()
