"""Run a notebook from a clean kernel, and keep of its outputs only what is the same the next time.

``python -m tests.notebooks.execution`` (`make notebooks`) runs all of them and writes the outputs into their files.
"""

from __future__ import annotations

import base64
import io
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SECONDS_PER_CELL = 600
COLOURS = 64


def notebooks() -> list[Path]:
    """Their files, in order."""
    return sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def execute(path: Path) -> Any:
    """The notebook with the outputs of a fresh run, in a folder of its own; an error in a cell is raised."""
    notebook = nbformat.read(path, as_version=4)
    with TemporaryDirectory(prefix="notebook-") as folder:
        resources = {"metadata": {"path": folder}}
        NotebookClient(
            notebook, timeout=SECONDS_PER_CELL, kernel_name="python3", resources=resources, record_timing=False
        ).execute()
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            # What libraries say on standard error holds paths of this machine, and little for a reader.
            cell.outputs = [_kept(output) for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def _kept(output: Any) -> Any:
    if "image/png" in output.get("data", {}):
        output.data = nbformat.from_dict({"image/png": _small(output.data["image/png"])})
        output.metadata = {}
    return output


def _small(picture: str) -> str:
    """A picture in few colours: a plot needs no more, and takes a quarter of the space."""
    drawn = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB").quantize(COLOURS)
    small = io.BytesIO()
    drawn.save(small, "PNG", optimize=True)
    return base64.b64encode(small.getvalue()).decode()


def main() -> None:
    """Run those that are named on the command line, or all, and write their outputs."""
    for path in [NOTEBOOKS / name for name in sys.argv[1:]] or notebooks():
        sys.stdout.write(f"{path.name}\n")
        nbformat.write(execute(path), path)


if __name__ == "__main__":
    main()
