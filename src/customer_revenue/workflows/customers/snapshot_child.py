"""The process that makes the shared snapshot: ``python -m customer_revenue.workflows.customers.snapshot_child``.

The settings come as JSON on the standard input, since the address of a store may hold a password.
"""

from __future__ import annotations

import json
import os
import sys

from customer_revenue.choices import OWNER_ONLY
from customer_revenue.errors import CustomerRevenueError
from customer_revenue.settings import Settings
from customer_revenue.workflows.customers.session_in_memory import SessionInMemory

NICENESS = 5
"""Answers come first."""


def main() -> None:
    """Make it."""
    os.umask(OWNER_ONLY)
    os.nice(NICENESS)
    try:
        SessionInMemory.open(Settings(**json.load(sys.stdin))).keep_snapshot()
    except (CustomerRevenueError, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
