"""The processor time of commands, and its ratio to importing DuckDB, Arrow and NumPy: ``make bench-commands``.

It imports and trains the CDNOW sample in a temporary folder, then runs each command several times, each in a process of
its own. Processor time (user and system) depends less than elapsed time on what else runs on the machine.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

LIBRARIES = ("-c", "import duckdb, pyarrow, numpy")
COMMAND = ("-m", "customer_revenue")
CUSTOMER = "14048"
COMMANDS = (
    "--help",
    "--version",
    "show --help",
    "show --no-such-option",
    f"show {CUSTOMER} --period forever",
    "keys list",
    "models",
    "quarantine",
    "check",
    "campaign list",
    f"show {CUSTOMER} --no-predictions",
    *(
        f"analytics {name}"
        for name in (
            "acquisition",
            "overview",
            "profit",
            "cohort-money",
            "at-risk",
            "cohorts",
            "distribution",
            "order-sequence",
            "purchase-frequency",
            "refunds-to-come",
            "rfm",
            "segment-flows",
            "segments",
            "top-customers",
            "trends",
            "widget",
        )
    ),
    "analytics top-customers --by estimated_ltv_cents",
    "analytics at-risk --by value_at_risk_cents",
    f"show {CUSTOMER}",
)


def processor_seconds(words: tuple[str, ...], folder: Path, environment: dict[str, str]) -> float:
    """User and system time of one run of Python."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print a table in Markdown: seconds, and how many times as long as the import of the libraries."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="runs of each command, of which the median counts")
    parser.add_argument("--folder", type=Path, help="folder with data/orders.duckdb and models; by default a new one")
    given = parser.parse_args()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CUSTOMER_REVENUE")}
    with TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        if given.folder is None:
            subprocess.run([sys.executable, *COMMAND, "demo", "--no-serve"], cwd=folder, env=environment, check=True)

        def measured(words: tuple[str, ...]) -> float:
            return median(processor_seconds(words, folder, environment) for _ in range(given.runs))

        unit = measured(LIBRARIES)
        print("| command | processor seconds | ratio |\n|---|---|---|")
        print(f'| `python -c "{LIBRARIES[1]}"` | {unit:.2f} | 1.0 |')
        for command in COMMANDS:
            seconds = measured((*COMMAND, *command.split()))
            print(f"| `{command}` | {seconds:.2f} | {seconds / unit:.1f} |", flush=True)


if __name__ == "__main__":
    main()
