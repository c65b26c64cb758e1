"""Data sets that come along with installed packages."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from customer_revenue.errors import UnreadableFile


def cdnow_path() -> Path:
    """The file of all 23,570 CDNOW customers (purchases from January 1997 to June 1998) that lifetimes ships.

    >>> cdnow_path().name
    'CDNOW_master.txt'

    Raises:
        UnreadableFile: lifetimes is not installed, or comes without it.
    """
    # Found, not imported: importing lifetimes changes pandas options of the whole process.
    spec = find_spec("lifetimes")
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / "datasets" / "CDNOW_master.txt"
        if path.is_file():
            return path
    raise UnreadableFile("the CDNOW sample is missing: install the package lifetimes again")
