"""Build the pages of the Python API into ``build/docs``: ``make docs``. Any warning is an error."""

from __future__ import annotations

import sys
from pathlib import Path

import pdoc
import pdoc.render

import customer_revenue as cr

OUTPUT = Path("build/docs")
MODULES = ("customer_revenue", r"!customer_revenue\.(?!plots$).*")
"""The package and its plots. What lies beneath is not public; its docstrings are for who reads the code."""


def build(output: Path) -> None:
    """Write the pages.

    Args:
        output: folder for them.
    """
    # pdoc shows what a package holds; ours holds a name once it has been asked for.
    for name in cr.__all__:
        getattr(cr, name)
    pdoc.render.configure(docformat="google", show_source=False, footer_text=f"customer-revenue {cr.__version__}")
    pdoc.pdoc(*MODULES, output_directory=output)


if __name__ == "__main__":
    build(OUTPUT)
    sys.stdout.write(f"{OUTPUT}/customer_revenue.html\n")
