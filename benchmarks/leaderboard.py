"""Ours and every rival that installs, on public orders: ``make leaderboard`` writes docs/leaderboard.md.

    python -m benchmarks.leaderboard
    python -m benchmarks.leaderboard --shops grocery --rivals lifetimes clvkit --output build/leaderboard.md

What was run is kept in build/leaderboard and not run again; ``--again`` forgets it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
from pathlib import Path

from benchmarks.leaderboard_page import page
from benchmarks.leaderboard_runs import (
    NOT_ON_THIS_PYTHON,
    OURS,
    RIVALS,
    SHOPS,
    Environments,
    LeaderboardShop,
    Result,
    Rival,
    run,
)
from benchmarks.leaderboard_scores import Scores, outcomes, scores

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "leaderboard"


def result_of(rival: Rival, shop: LeaderboardShop, environments: Environments, folder: Path, limit: float) -> Result:
    """The kept result of a run, or that of a new one."""
    kept = folder / f"{rival.script}.json"
    if kept.is_file():
        return Result(**json.loads(kept.read_text("utf-8")))
    python = environments.python(rival)
    if python is None:
        return Result(problem=f"does not install: {environments.problems[rival.name]}")
    result = run(rival, python, shop, folder, limit)
    result.save(kept)
    return result


def main() -> None:
    """Run what is asked for, score it, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shops", nargs="+", choices=[s.key for s in SHOPS], default=[s.key for s in SHOPS])
    parser.add_argument("--rivals", nargs="+", choices=[r.name for r in RIVALS], default=[r.name for r in RIVALS])
    parser.add_argument("--minutes", type=float, default=7, help="of each run")
    parser.add_argument("--resamples", type=int, default=500, help="of the bootstrap over customers")
    parser.add_argument("--again", action="store_true", help="run everything anew")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "leaderboard.md")
    given = parser.parse_args()
    environments = Environments(FOLDER / "environments")
    tables: dict[str, tuple[LeaderboardShop, int, dict[str, Result], dict[str, Scores]]] = {}
    for shop in (s for s in SHOPS if s.key in given.shops):
        try:
            orders = shop.read()
        except FileNotFoundError as missing:
            print(f"{shop.title} is left out: {missing}", flush=True)
            continue
        folder = FOLDER / shop.key
        folder.mkdir(parents=True, exist_ok=True)
        orders[orders["date"] <= shop.cutoff].to_csv(folder / "orders.csv", index=False)
        known, happened = outcomes(orders, shop)
        results, scored = {}, {}
        for rival in (r for r in RIVALS if r.name == OURS or r.name in given.rivals):
            if given.again:
                (folder / f"{rival.script}.json").unlink(missing_ok=True)
            result = result_of(rival, shop, environments, folder, given.minutes * 60)
            if result.forecasts:
                try:
                    scored[rival.name] = scores(str(folder / result.forecasts), known, happened, given.resamples)
                except ValueError as problem:
                    result = Result(result.seconds, result.megabytes, result.version, str(problem))
            results[rival.name] = result
            print(f"{shop.key}: {rival.name}: {result.problem or f'{result.seconds:.1f} s'}", flush=True)
        tables[shop.key] = shop, len(known), results, scored
    refused = {name: line for name in NOT_ON_THIS_PYTHON if (line := environments.refused(name))}
    load = f"{os.cpu_count()} cores, with a load of {os.getloadavg()[2]:.0f} in the last quarter of an hour"
    text = page(tables, refused, dt.date.today(), load, given.minutes)
    given.output.write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
