"""The types of what workflows return as JSON."""

from __future__ import annotations

from typing import Any

Body = dict[str, object]
"""A response, or an object of one."""

Row = dict[str, Any]
"""A row of a query."""
