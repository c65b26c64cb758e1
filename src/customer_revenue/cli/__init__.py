"""The command line: one command per workflow, without logic of its own."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from customer_revenue import __version__
from customer_revenue.choices import OWNER_ONLY, Breakdown
from customer_revenue.cli.advice import actions, advise, bidding, forecast
from customer_revenue.cli.aliases_command import aliases
from customer_revenue.cli.analytics import analytics
from customer_revenue.cli.backup_command import backup, restore
from customer_revenue.cli.campaign_command import campaign
from customer_revenue.cli.demonstration import demo
from customer_revenue.cli.digest_command import digest
from customer_revenue.cli.import_command import import_
from customer_revenue.cli.keys_command import keys
from customer_revenue.cli.models import models, monitor, promote, retrain, rollback
from customer_revenue.cli.options import AsOfDay, Changes, Output, StoreUrl, note_export, optional_day, settings_for
from customer_revenue.cli.policy_command import policy
from customer_revenue.cli.privacy import forget
from customer_revenue.cli.quarantine_command import quarantine
from customer_revenue.cli.serving import mcp, serve
from customer_revenue.cli.shop import check
from customer_revenue.console import complain, reporting, say
from customer_revenue.errors import CustomerRevenueError
from customer_revenue.periods import MAX_HORIZON_DAYS, Period, parse_day

app = typer.Typer(
    help="What each customer has been worth, what they will be worth, and what to do about it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"customer-revenue {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[  # its callback answers
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """What each customer has been worth, what they will be worth, and what to do about it."""


app.command()(advise)
app.command()(actions)
app.command()(backup)
app.command()(check)
app.command()(forecast)
app.command()(bidding)
app.command()(forget)
app.command()(digest)
app.command("import")(import_)
app.command()(mcp)
app.command()(models)
app.command()(monitor)
app.command()(promote)
app.command()(quarantine)
app.command()(restore)
app.command()(retrain)
app.command()(rollback)
app.command()(serve)
app.command()(demo)
app.add_typer(aliases, name="aliases")
app.add_typer(analytics, name="analytics")
app.add_typer(campaign, name="campaign")
app.add_typer(keys, name="keys")
app.add_typer(policy, name="policy")


@app.command()
def train(store: StoreUrl = None, as_of: AsOfDay = None, changes: Changes = None) -> None:
    """Train the models, back-test them and track the run in MLflow; a model that passes the gate becomes champion.

    With --set, the model in use stays: the run is tracked for comparison only.
    """
    from customer_revenue.workflows.training.train import train as train_models

    with reporting() as report:
        settings = settings_for(store, changes or ())
        result = train_models(settings, optional_day(as_of), report, make_it_current=not changes)
    say(result.text())
    result.check()


@app.command()
def backtest(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files to back-test on instead of a store.", show_default=False)
    ] = None,
    store: StoreUrl = None,
    cutoff: Annotated[
        list[str] | None,
        typer.Option("--cutoff", help="Last day of the training data; can be repeated.", show_default=False),
    ] = None,
    origins: Annotated[int, typer.Option(min=1, max=24, help="Number of cut-offs to choose if none is given.")] = 3,
    horizon: Annotated[int, typer.Option("--horizon", min=1, max=3650, help="Number of days to predict.")] = 90,
    output: Output = None,
    changes: Changes = None,
) -> None:
    """Train on data up to earlier days, and compare the predictions with what happened after."""
    from customer_revenue.workflows.evaluation.backtest import backtest as run_backtest

    with reporting() as report:
        days = [parse_day(day, "cutoff") for day in cutoff or ()]
        settings = settings_for(store, changes or ())
        result = run_backtest(settings, files or (), days, origins, horizon, output, report)
        note_export(settings, output)
    say(result.text())


@app.command()
def score(store: StoreUrl = None, as_of: AsOfDay = None, output: Output = None) -> None:
    """Predict for every customer; write a file, or print a summary."""
    from customer_revenue.workflows.training.score import score as score_customers

    with reporting() as report:
        settings = settings_for(store)
        said = score_customers(settings, optional_day(as_of), output, report)
        note_export(settings, output)
        say(said)


@app.command()
def show(
    user_id: Annotated[str, typer.Argument(help="The customer's id.")],
    store: StoreUrl = None,
    period: Annotated[Period, typer.Option(help="Period of the summary.")] = Period.ALL_TIME,
    breakdown: Annotated[
        list[Breakdown] | None, typer.Option(help="Breakdown to include; can be repeated.", show_default=False)
    ] = None,
    predictions: Annotated[
        bool, typer.Option("--predictions/--no-predictions", help="Whether to include predictions.")
    ] = True,
    as_of: AsOfDay = None,
    days: Annotated[
        list[int] | None,
        typer.Option(
            help="Horizon in days to predict as well; can be repeated.", min=1, max=MAX_HORIZON_DAYS, show_default=False
        ),
    ] = None,
) -> None:
    """Print everything about a customer, as the same JSON as the API."""
    from customer_revenue.workflows.customers.answers import Answers
    from customer_revenue.workflows.parameters import as_json

    answers = Answers.open(settings_for(store), lazily=True)
    say(as_json(answers.customer(user_id, period, frozenset(breakdown or ()), predictions, as_of, days or ())))


def main() -> None:
    """Run the command line; an error becomes one line on standard error and its exit status.

    What a command writes, its owner alone may read: all of it is about customers.
    """
    os.umask(OWNER_ONLY)
    # Else the interpreter, as it ends, looks for cycles among all objects: a tenth of a second, after training a whole.
    atexit.register(gc.freeze)
    try:
        app()
    except CustomerRevenueError as error:
        complain(f"error: {error.message}")
        for line in error.details:
            complain(f"  {line}")
        sys.exit(error.exit_status)
    except OSError as error:
        complain(f"error: {error.strerror or error}" + (f": {error.filename}" if error.filename else ""))
        sys.exit(1)
