"""How metrics are written, without the libraries that compute them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import StringIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from customer_revenue.currencies import in_units, minor_digits

Write = Callable[[float], str]
"""How the values of a figure are written."""


def three_decimals(value: float) -> str:
    """Three decimals."""
    return f"{value:,.3f}"


def _percent(value: float) -> str:
    return f"{value:+.1%}"


def _days(value: float) -> str:
    return f"{value:,.1f}"


_ROWS: Mapping[str, tuple[str, Write | None]] = {
    "purchases_mae": ("purchases, mean absolute error", three_decimals),
    "purchases_rmse": ("purchases, root mean square error", three_decimals),
    "purchases_spearman": ("purchases, rank correlation", three_decimals),
    "purchases_bias": ("purchases, bias of the total", _percent),
    "revenue_mae": ("revenue, mean absolute error", None),
    "revenue_rmse": ("revenue, root mean square error", None),
    "revenue_gini": ("revenue, normalised Gini", three_decimals),
    "revenue_bias": ("revenue, bias of the total", _percent),
    "probability_auc": ("purchase or not, AUC", three_decimals),
    "probability_log_loss": ("purchase or not, log loss", three_decimals),
    "probability_brier": ("purchase or not, Brier score", three_decimals),
    "probability_ece": ("purchase or not, calibration error", three_decimals),
    "next_date_error_days": ("next date, median error of buyers in days", _days),
}
"""The figures that are shown: name, words, and how to write a value, which the currency says of money."""


def shown_metrics(currency: str) -> dict[str, tuple[str, Write]]:
    """Return the figures that are shown: name, words, and how to write a value, money in units of the currency.

    >>> [shown_metrics(currency)["revenue_mae"][1](1250) for currency in ("EUR", "JPY")]
    ['12.50', '1,250']
    """

    def money(value: float) -> str:
        return f"{in_units(value, currency):,.{minor_digits(currency)}f}"

    return {name: (words, write or money) for name, (words, write) in _ROWS.items()}


def table_of(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows as a table in plain text."""
    table = empty_table(title, columns)
    for row in rows:
        table.add_row(*row)
    return table_text(table)


def empty_table(title: str, columns: Sequence[str]) -> Table:
    """A table without rows, the first column to the left and the others to the right."""
    table = Table(title=title, title_justify="left", title_style="", box=SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(columns):
        table.add_column(name, justify="right" if place else "left", no_wrap=place == 0)
    return table


def table_text(table: Table) -> str:
    """The plain text of a table."""
    console = Console(file=StringIO(), width=150, color_system=None)
    console.print(table)
    text = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO from above
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines())
