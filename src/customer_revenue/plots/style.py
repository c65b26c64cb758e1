"""How every plot looks, and what the models that are plotted have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from customer_revenue.arrays import Floats

INK = "#1f2933"
MODEL = "#0b6e99"
ACCENT = "#c2571a"
MUTED = "#7b8794"
GRID = "#d9e2ec"
COLOURS = (MODEL, ACCENT, "#5b8c3e", "#8a5a9e", MUTED)
SIZE_INCHES = (6.0, 4.5)

if TYPE_CHECKING:
    Numbers: TypeAlias = pd.Series[float]
else:  # pandas has the parameter for type checkers only
    Numbers = pd.Series


class FittedModel(Protocol):
    """What the plots ask of a probability model: ``ProbabilityModel`` after ``fit``."""

    name: str

    def expected_purchases(self, features: pd.DataFrame, horizon_days: float) -> Numbers:
        """Purchase days to be expected of each customer."""

    def probability_alive(self, features: pd.DataFrame) -> Numbers:
        """The chance that each customer has not left."""

    def repeat_distribution(self, features: pd.DataFrame, most: int) -> Numbers:
        """Customers to be expected with each number of repeat purchases."""

    def new_customer(self, days: Floats) -> Numbers:
        """Repeat purchases to be expected of a newcomer within some days."""


def axes_for(ax: Axes | None, width: float = SIZE_INCHES[0], height: float = SIZE_INCHES[1]) -> Axes:
    """The axes to draw on, in the style of all plots: those given, or new ones that a notebook shows."""
    if ax is None:
        # Imported here: a process that only saves figures has no need of windows.
        from matplotlib import pyplot

        _, ax = pyplot.subplots(figsize=(width, height), layout="constrained")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    return ax


def detached_figure(width: float = SIZE_INCHES[0], height: float = SIZE_INCHES[1]) -> tuple[Figure, Axes]:
    """A figure that nothing shows, to be saved, with its axes: no window, and nothing to close."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def title_of(name: str) -> str:
    """A model's name as people write it."""
    return name.upper().replace("MBG_CNBD_K", "MBG/CNBD-k").replace("PARETO", "Pareto").replace("_", "/")
