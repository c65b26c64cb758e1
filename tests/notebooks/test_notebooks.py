"""Every notebook runs from a clean kernel, and is committed as it ran: whole, small, and of no machine."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from .execution import execute, notebooks

MAX_BYTES = 300_000
OF_A_MACHINE = re.compile(r"/(?:home|root|Users|tmp|work)/\S|[A-Z]:\\\\Users")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_it_runs_from_a_clean_kernel(path: Path) -> None:
    executed, committed = execute(path), nbformat.read(path, as_version=4)
    kinds = [[[o.output_type for o in c.get("outputs", ())] for c in n.cells] for n in (executed, committed)]
    assert kinds[0] == kinds[1], "its cells give other outputs than are committed: run `make notebooks`"


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_it_is_committed_as_it_ran(path: Path) -> None:
    text = path.read_text("utf-8")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [o for cell in code for o in cell.outputs if o.output_type == "error" or o.get("name") == "stderr"]
    assert len(text) < MAX_BYTES
    assert not OF_A_MACHINE.search(text)


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_it_is_a_story_with_a_conclusion(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    assert cells[0].source.startswith(f"# {path.stem[:2]} · ")
    words = [cell.source for cell in cells if cell.cell_type == "markdown"]
    assert words[-1].startswith("**What we have learned.**")


def test_there_are_eight() -> None:
    assert [path.stem[:2] for path in notebooks()] == ["01", "02", "03", "04", "05", "06", "07", "08"]
