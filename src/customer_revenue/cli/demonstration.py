"""The command ``demo``."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from customer_revenue.cli.options import settings_for
from customer_revenue.console import reporting, say


def demo(
    serve_after: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Whether to serve, as soon as there is a model.")
    ] = True,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 3000,
) -> None:
    """Import the CDNOW orders, train, back-test, show a customer, and serve.

    The service answers as soon as the models are fitted, while they are back-tested; the page says so.
    """
    from customer_revenue.cli.background_service import BackgroundService
    from customer_revenue.workflows.demo import demo as run_demo
    from customer_revenue.workflows.demo import without_first_model

    started, settings, page = time.monotonic(), settings_for(), f"http://127.0.0.1:{port}"
    if not serve_after:
        with reporting() as report:
            say(run_demo(settings, report, port))
        return
    trained = False

    def announce() -> None:
        seconds = time.monotonic() - started
        say(f"{page} answers, after {seconds:.0f} s" + ("" if trained else "; training and back-test go on meanwhile"))

    with without_first_model(settings.models), BackgroundService(port, announce) as service:
        with reporting() as report:
            text = run_demo(settings, report, port, lambda model: service.start(settings.store, model))
            trained = True
        say(text)
        say(f"\n{page} is served until you press Ctrl-C")
        status = service.wait()
    raise typer.Exit(status)
