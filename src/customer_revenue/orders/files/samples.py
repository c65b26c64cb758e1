"""Sample data sets that installed packages contain."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from customer_revenue.errors import UnreadableFile


def cdnow_path() -> Path:
    """Return the file of all 23,570 CDNOW customers (purchases from January 1997 to June 1998) in lifetimes.

    >>> cdnow_path().name
    'CDNOW_master.txt'

    Raises:
        UnreadableFile: lifetimes is not installed, or does not contain the file.
    """
    # Located without an import, since importing lifetimes changes pandas options for the whole process.
    spec = find_spec("lifetimes")
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / "datasets" / "CDNOW_master.txt"
        if path.is_file():
            return path
    raise UnreadableFile("the CDNOW sample is missing: install the package lifetimes again")


def write_cdnow_sample(path: Path) -> Path:
    """Write the tenth of the CDNOW customers that the papers use, in the format of the master file.

    Args:
        path: the file to write.

    Returns:
        The path.

    Raises:
        UnreadableFile: as for :func:`cdnow_path`.
    """
    master = cdnow_path()
    header, *lines = master.read_text("ascii").splitlines()
    sampled = {line.split()[0] for line in (master.with_name("CDNOW_sample.txt")).read_text("ascii").splitlines()}
    kept = [line for line in lines if line.split()[:1] and line.split()[0] in sampled]
    path.write_text("\n".join([header, *kept, ""]), "ascii")
    return path
