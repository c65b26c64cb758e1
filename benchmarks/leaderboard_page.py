"""The page of the leaderboard, in Markdown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.leaderboard_runs import OURS, RIVALS, LeaderboardShop, Result
from benchmarks.leaderboard_scores import ABSOLUTE, ACCURACY, CALIBRATION, FIGURES, SHARPNESS, Scores, verdict

MARKS = {"won": " +", "lost": " −", "even": " =", "": ""}
Table = tuple[LeaderboardShop, int, Mapping[str, Result], Mapping[str, Scores]]

METHOD = """# Leaderboard

`make leaderboard` runs customer-revenue and every rival that installs on shops whose orders are public, and writes this
page. Each rival has an environment of its own below `build/leaderboard`, with its newest version that installs on
Python 3.11, and is called as its own documentation calls it, with its defaults: the scripts are linked below. Whoever
finds their library called badly is asked to open an issue.

- All get the same file: customer, day and amount of every order of more than nothing up to the cut-off. Refunds and
  cancelled invoices are left out. Ours gets no more than the others.
- All forecast the same customers, those with an order by the cut-off: days with a purchase in the 90 days after it,
  revenue, and the probability of a purchase, as far as the library gives them. A cell is empty where it does not.
- What happened is read from the same orders by the benchmark, not by any of the libraries.
- Accuracy: mean absolute error, root mean square error and rank correlation of the purchases; both errors and the
  normalised Gini of the revenue; the area under the ROC curve of the probability.
- Calibration: total forecast over total happened, less 1; expected calibration error over ten bins, log loss and Brier
  score of the probability.
- Sharpness: mean pinball loss of the 10, 50 and 90 % quantiles, which rewards narrow intervals that hold; the share
  inside the 80 % interval, and its mean width.
- Time is fit and forecast without imports, and memory the most that a process held; one run at a time.
- A rival's cell is marked `+` where ours has won it, `−` where ours has lost it and `=` where neither is more than
  noise: by the 95 % interval of the paired difference over resampled customers. Time and memory are marked by which is
  larger. The mean absolute error rewards forecasts that are too low, since most customers buy nothing; the biases say
  how low.
"""


def page(tables: Mapping[str, Table], refused: Mapping[str, str], day: dt.date, load: str, limit: float) -> str:
    """The whole page."""
    runs = [result for _, _, results, _ in tables.values() for result in results.values()]
    minutes = sum(result.seconds / 60 if np.isfinite(result.seconds) else limit for result in runs)
    parts = [
        METHOD,
        f"Measured on {day} on {load}: at most {minutes:.0f} minutes of runs, each of which may take {limit:.0f}.",
        "",
    ]
    parts += ["## All shops", "", _summary(tables), ""]
    for shop, customers, results, scored in tables.values():
        parts += [f"## {shop.title}", ""]
        parts += [f"{customers:,} customers ({shop.source}), cut-off {shop.cutoff}, {shop.horizon_days} days.", ""]
        for title, figures in (("Accuracy", ACCURACY), ("Calibration", CALIBRATION)):
            parts += [f"### {title}: {shop.title}", "", _figures(scored, figures), ""]
        parts += [f"### Sharpness and cost: {shop.title}", "", _costs(results, scored), ""]
        failed = [f"- {name}: {result.problem}" for name, result in results.items() if result.problem]
        parts += ["Not among them:", "", *failed, ""] if failed else []
        parts += ["Cells that ours lost:", "", *_losses(results, scored), ""]
    parts += ["## How each is called", "", *_calls(tables), ""]
    if refused:
        parts += ["## What does not install on Python 3.11", ""]
        parts += [f"- `{name}`: {line}" for name, line in refused.items()]
        parts.append("")
    return "\n".join(parts)


def _summary(tables: Mapping[str, Table]) -> str:
    lines = ["| shop | against | won | even | lost |", "|---|---|---|---|---|"]
    for shop, _, _, scored in tables.values():
        for name in (rival for rival in scored if rival != OURS):
            found = [verdict(figure, scored[OURS], scored[name]) for figure in FIGURES]
            counts = " | ".join(str(found.count(word)) for word in ("won", "even", "lost"))
            lines.append(f"| {shop.title} | {name} | {counts} |")
    return "\n".join(lines)


def _figures(scored: Mapping[str, Scores], figures: Mapping[str, str]) -> str:
    lines = ["| | " + " | ".join(figures.values()) + " |", "|---" * (len(figures) + 1) + "|"]
    for name, found in scored.items():
        cells = [_cell(figure, scored[OURS], found, own=name == OURS) for figure in figures]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(figure: str, ours: Scores, found: Scores, *, own: bool) -> str:
    value = found.whole[figure]
    if not np.isfinite(value):
        return ""
    return _shown(figure, value) + ("" if own else MARKS[verdict(figure, ours, found)])


def _shown(figure: str, value: float) -> str:
    if figure in ABSOLUTE:
        return f"{value:+.1%}"
    return f"{value:,.2f}" if figure in ("revenue_mae", "revenue_rmse", "revenue_pinball") else f"{value:.4f}"


def _costs(results: Mapping[str, Result], scored: Mapping[str, Scores]) -> str:
    heads = [*SHARPNESS.values(), "inside 80 %", "width", "rev. inside 80 %", "rev. width", "seconds", "MB"]
    lines = ["| | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for name, found in scored.items():
        cells = [_cell(figure, scored[OURS], found, own=name == OURS) for figure in SHARPNESS]
        for what in ("purchases", "revenue"):
            inside, width = found.intervals.get(what, (None, None))
            cells += ["" if inside is None else f"{inside:.1%}", "" if width is None else f"{width:,.2f}"]
        for unit, digits in (("seconds", ".1f"), ("megabytes", ",.0f")):
            theirs, ours = getattr(results[name], unit), getattr(results[OURS], unit)
            mark = "" if name == OURS else MARKS["won" if theirs > ours else "lost"]
            cells.append(f"{theirs:{digits}}{mark}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _losses(results: Mapping[str, Result], scored: Mapping[str, Scores]) -> Sequence[str]:
    lines = []
    for name, found in scored.items():
        lost = [figure for figure in FIGURES if name != OURS and verdict(figure, scored[OURS], found) == "lost"]
        lines += [
            f"- {FIGURES[figure]} against {name}: {_shown(figure, scored[OURS].whole[figure])} for "
            f"{_shown(figure, found.whole[figure])}"
            for figure in lost
        ]
        if name != OURS and results[name].seconds < results[OURS].seconds:
            lines.append(f"- seconds against {name}: {results[OURS].seconds:.1f} for {results[name].seconds:.1f}")
        if name != OURS and results[name].megabytes < results[OURS].megabytes:
            lines.append(f"- MB against {name}: {results[OURS].megabytes:,.0f} for {results[name].megabytes:,.0f}")
    return lines or ["- none"]


def _calls(tables: Mapping[str, Table]) -> Sequence[str]:
    versions: dict[str, str] = {}
    for _, _, results, _ in tables.values():
        versions |= {name: result.version for name, result in results.items() if result.version}
    lines = ["| | version | environment | what it is | script |", "|---|---|---|---|---|"]
    for rival in RIVALS:
        if rival.name in versions:
            needs = ", ".join(rival.requirements) or "the project's"
            address = f"[{rival.script}.py](../benchmarks/rival_scripts/{rival.script}.py)"
            shown = versions[rival.name]
            lines.append(f"| {rival.name} | {shown} | {needs} | {rival.note or 'the default model'} | {address} |")
    return lines
