"""The tables of the accuracy benchmark, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from benchmarks.cells import Cell, Drawn, Entry, mean_difference_error
from customer_revenue.arrays import Floats, Marks
from customer_revenue.modeling.forecast_names import OURS
from customer_revenue.modeling.metrics import Forecast, Outcomes
from customer_revenue.modeling.proper_scores import pit_uniformity
from customer_revenue.modeling.score_groups import EVERYBODY, customer_groups, customer_scores

FIGURES = (
    "probability_log_loss",
    "probability_brier",
    "probability_auc",
    "purchases_mae",
    "purchases_rmse",
    "purchases_spearman",
    "purchases_crps",
    "revenue_mae",
    "revenue_gini",
    "revenue_crps",
)
HEADS = ("log loss", "Brier", "AUC", "MAE", "RMSE", "Spearman", "CRPS", "rev. MAE", "rev. Gini", "rev. CRPS")
MARKS = {"won": "+", "lost": "−", "even": "="}
MARKS_IN_ORDER = ("won", "even", "lost")
PARETO = "Pareto/NBD + Gamma-Gamma"
COMPARED = ("purchases_crps", "purchases_pinball", "revenue_crps", "revenue_pinball")
LEAST_CUSTOMERS = 100
ALLOWED, Z = 0.05, 1.96
"""What shares may be off by: 5 points, and 1.96 standard errors."""


def bias_of(forecast: Forecast, happened: Outcomes) -> tuple[float, float]:
    """The bias of the total purchases and of the total revenue."""
    purchases = forecast.purchases.sum() / happened.purchases.sum() - 1
    return float(purchases), float(forecast.revenue.sum() / happened.revenue.sum() - 1)


def figures_table(found: Drawn, biases: Mapping[str, tuple[float, float]]) -> str:
    """Every model's figures; a rival's is marked by what ours did against it: won, lost or even."""
    cells = {(cell.model, cell.figure): cell for cell in found.cells(OURS)}
    ranks = found.mean_ranks()
    lines = [
        "| | " + " | ".join([*HEADS, "bias", "rev. bias", "mean rank"]) + " |",
        "|---" * (len(HEADS) + 4) + "|",
    ]
    for model, values in found.whole.items():
        shown = [
            _marked(figure, value, cells.get((model, figure)))
            for figure, value in zip(found.figures, values, strict=True)
        ]
        shown += [f"{bias:+.1%}" for bias in biases[model]]
        lines.append(f"| {model} | " + " | ".join([*shown, f"{ranks[model]:.2f}"]) + " |")
    return "\n".join([*lines, "", _tally(list(cells.values())), *_losses(list(cells.values())), ""])


def summary_table(rows: Mapping[str, tuple[Drawn, Mapping[str, tuple[float, float]]]]) -> str:
    """One line per task and size: cells won and lost, our mean rank and revenue bias beside the best rival's."""
    heads = (
        "cells",
        "won",
        "even",
        "lost",
        "won, Holm",
        "lost, Holm",
        "mean rank",
        "best rival",
        "rev. bias",
        "smallest",
    )
    lines = ["| | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for title, (found, biases) in rows.items():
        cells, ranks = found.cells(OURS), found.mean_ranks()
        won, even, lost = (sum(cell.verdict == word for cell in cells) for word in MARKS_IN_ORDER)
        corrected = [sum(cell.after_holm == word for cell in cells) for word in ("won", "lost")]
        rival = min((rank, model) for model, rank in ranks.items() if model != OURS)
        smallest = min((bias for model, (_, bias) in biases.items() if model != OURS), key=abs)
        shown = [len(cells), won, even, lost, *corrected, f"{ranks[OURS]:.2f}", f"{rival[0]:.2f} ({rival[1]})"]
        shown += [f"{biases[OURS][1]:+.1%}", f"{smallest:+.1%}"]
        lines.append(f"| {title} | " + " | ".join(map(str, shown)) + " |")
    return "\n".join(lines)


def _marked(figure: str, value: float, cell: Cell | None) -> str:
    if not np.isfinite(value):
        return ""
    text = f"{value / 100:,.2f}" if figure in ("revenue_mae", "revenue_crps") else f"{value:.4f}"
    if cell is None:
        return text
    mark = MARKS[cell.verdict]
    return f"{text} {mark * 2 if cell.after_holm != 'even' else mark}"


def _tally(cells: Sequence[Cell]) -> str:
    beyond, corrected = (
        {word: sum(getattr(cell, of) == word for cell in cells) for word in MARKS} for of in ("verdict", "after_holm")
    )
    return (
        f"{len(cells)} cells: {beyond['won']} won, {beyond['even']} even, {beyond['lost']} lost beyond noise; after "
        f"Holm's correction {corrected['won']} won, {corrected['lost']} lost."
    )


def _losses(cells: Sequence[Cell]) -> list[str]:
    """Every cell that is lost, with its size."""
    return [
        f"- Lost{' after the correction too' if cell.after_holm == 'lost' else ''}: {cell.figure.replace('_', ' ')} "
        f"against {cell.model}, {_value(cell, cell.ours)} for {_value(cell, cell.theirs)} "
        f"({-cell.better / abs(cell.theirs):.1%} worse; 95 %: {-cell.high / abs(cell.theirs):.1%} to "
        f"{-cell.low / abs(cell.theirs):.1%}; corrected p {cell.adjusted:.3f})"
        for cell in cells
        if cell.verdict == "lost" or cell.after_holm == "lost"
    ]


def _value(cell: Cell, value: float) -> str:
    return _marked(cell.figure, value, None)


def groups_table(features: pa.Table, happened: Outcomes, entries: Mapping[str, Entry], resamples: int) -> str:
    """Each group of 100 customers or more: scores beside simulated Pareto/NBD, and shares beside what they may be."""
    ours, theirs = entries[OURS], entries[PARETO].losses
    scores = customer_scores(happened, ours.forecast)
    heads = ["CRPS", "pinball", "rev. CRPS", "rev. pinball", "< 10 %", "< 50 %", "> 90 %", "money", "dates", "PIT, p"]
    lines = ["| group | customers | " + " | ".join(heads) + " |", "|---" * (len(heads) + 2) + "|"]
    everybody = {EVERYBODY: np.ones(features.num_rows, dtype=bool)}
    for group, rows in (everybody | customer_groups(features)).items():
        if rows.sum() < LEAST_CUSTOMERS:
            continue
        compared = [_compared(ours.losses[name][rows], theirs[name][rows], resamples) for name in COMPARED]
        shares = [*_count_shares(scores, rows), *_coverages(scores, rows)]
        uniform = pit_uniformity(scores["purchases_pit"][rows])
        lines.append(f"| {group} | {rows.sum():,} | " + " | ".join([*compared, *shares, f"{uniform:.3f}"]) + " |")
    return "\n".join([*lines, "", _group_tally(lines[2:])])


def _group_tally(rows: Sequence[str]) -> str:
    cells = [row.split(" | ")[2:] for row in rows]
    above = sum(cell.endswith("−") for row in cells for cell in row[: len(COMPARED)])
    off = sum(cell.endswith("−") for row in cells for cell in row[len(COMPARED) :])
    return (
        f"{above} of {len(COMPARED) * len(cells)} scores are above simulated Pareto/NBD's beyond noise; {off} of "
        f"{5 * len(cells)} shares are off by more than 5 points and 1.96 standard errors.\n"
    )


def _compared(ours: Floats, theirs: Floats, resamples: int) -> str:
    """How much lower ours is than Pareto/NBD's, as a share of it."""
    if not np.isfinite(theirs).all():
        return ""
    difference, low, high = mean_difference_error(ours, theirs, resamples, seed=2)
    mark = "−" if low > 0 else "+" if high < 0 else "="
    return f"{difference / max(float(theirs.mean()), 1e-12):+.1%} {mark}"


def _count_shares(scores: Mapping[str, Floats], rows: Marks) -> list[str]:
    bounds = (("below_low", 0.1), ("below_median", 0.5), ("above_high", 0.1))
    return [_share(scores[f"purchases_{name}"][rows], stated, one_sided=True) for name, stated in bounds]


def _coverages(scores: Mapping[str, Floats], rows: Marks) -> list[str]:
    return [
        _share(scores[f"{name}_covered"][rows], float(np.nanmean(scores[f"{name}_stated"][rows])), one_sided=False)
        for name in ("revenue", "date")
    ]


def _share(inside: Floats, stated: float, *, one_sided: bool) -> str:
    """The share, what it should be where it is not a round one, and a mark where it is off by more than it may be."""
    known = inside[~np.isnan(inside)]
    if not len(known):
        return ""
    share = float(known.mean())
    most = ALLOWED + Z * float(np.sqrt(stated * (1 - stated) / len(known)))
    wrong = share - stated > most if one_sided else abs(share - stated) > most
    shown = f"{share:.3f}" if one_sided else f"{share:.3f} ({stated:.3f})"
    return f"{shown} −" if wrong else shown
