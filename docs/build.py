"""Build the documentation site into ``build/docs/VERSION``: ``make docs``. Any warning is an error."""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.cmd.build import build_main

import customer_revenue as cr

SOURCE = Path(__file__).parent


def build(output: Path) -> int:
    """Write the site of this version.

    Args:
        output: folder of all versions; the site goes into a folder named after the version.

    Returns:
        The exit status of Sphinx.
    """
    for name in cr.__all__:  # autodoc shows what a package holds; ours holds a name once it has been asked for
        getattr(cr, name)
    folder = output / cr.__version__
    options = ["-q", "-W", "--keep-going", "-b", "html", "-d", str(output / ".doctrees")]
    return build_main([*options, str(SOURCE), str(folder)])


if __name__ == "__main__":
    target = Path("build/docs")
    status = build(target)
    sys.stdout.write(f"{target / cr.__version__}/index.html\n")
    sys.exit(status)
