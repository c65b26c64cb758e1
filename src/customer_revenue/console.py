"""Console output: progress on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console


class Report(Protocol):
    """Called with the current step and, if known, the share that is done, from 0 to 1."""

    def __call__(self, step: str, done: float | None = None, /) -> None:
        """Report progress."""


def silent(_step: str, _done: float | None = None, /) -> None:
    """A :class:`Report` that prints nothing."""


@contextmanager
def reporting(stream: Console | None = None) -> Iterator[Report]:
    """A :class:`Report` to standard error: a progress bar on a terminal, otherwise one line per step."""
    # Imported here: only commands that take long show progress.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = stream or Console(stderr=True, soft_wrap=True, highlight=False)
    if not console.is_terminal:
        yield _plain_lines(console)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)

        def report(step: str, done: float | None = None, /) -> None:
            progress.update(
                task, description=step, completed=done or 0.0, total=None if done is None else 1.0, refresh=True
            )

        yield report


def expecting(report: Report, steps: Sequence[tuple[str, float]], clock: Callable[[], float] = monotonic) -> Report:
    """A :class:`Report` that adds to each step how long it and those after it take, and the share that is done.

    Args:
        report: receives the steps with what is added.
        steps: how the name of each step begins, in their order, and its usual seconds. A step that is not among them
            counts as part of the one before it.
        clock: seconds; a machine that has been slower than usual is expected to stay so.
    """
    total, started, place = sum(seconds for _, seconds in steps), clock(), 0
    last = ""

    def expected(step: str, done: float | None = None, /) -> None:
        nonlocal last, place
        if done == 1.0:
            return  # the end of a part; the next step says what follows
        if step != last:
            later = [n for n, (name, _) in enumerate(steps) if n >= place and step.startswith(name)]
            place = later[0] + 1 if later else place
        last = step
        passed = sum(seconds for _, seconds in steps[: max(place - 1, 0)])
        usual = total / 10  # at the usual pace, so that a first short step does not decide
        pace = max(1.0, (clock() - started + usual) / (passed + usual)) if passed else 1.0
        left = 5 * math.ceil((total - passed) * pace / 5)
        report(f"{step} (about {left} s to go)", passed / total)

    return expected


def _plain_lines(console: Console) -> Report:
    last = ""

    def report(step: str, _done: float | None = None, /) -> None:
        nonlocal last
        if step != last:
            console.print(step, markup=False)
        last = step

    return report


def say(text: str = "") -> None:
    """Write a line of a command's result to standard output."""
    sys.stdout.write(text + "\n")


def complain(text: str) -> None:
    """Write an error message to standard error."""
    sys.stderr.write(text + "\n")
