"""The demonstration: the CDNOW orders that ship with lifetimes, from the file to the response."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow.compute as pc

from customer_revenue.choices import Breakdown
from customer_revenue.console import Report, expecting
from customer_revenue.errors import InvalidParameter, ModelError, StoreNotFound
from customer_revenue.modeling import bundle
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.orders.files.samples import cdnow_path
from customer_revenue.orders.store import open_store
from customer_revenue.settings import Settings
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.feature_rows import feature_rows
from customer_revenue.workflows.import_orders import import_orders
from customer_revenue.workflows.parameters import as_json
from customer_revenue.workflows.registry.bundles import CURRENT, UNDER_WAY, model_identity, point
from customer_revenue.workflows.training.result import TrainingResult
from customer_revenue.workflows.training.train import train

FORMAT = "cdnow"
STEP_SECONDS = (
    ("reading", 3.0),
    ("Reading the customers", 3.0),
    ("Fitting", 10.0),
    ("Back-testing", 16.0),
    ("Back-testing", 21.0),
    ("Tracking", 16.0),
)
"""The beginnings of the steps' names, in their order, and their seconds of processor time."""

FIRST_MODEL = ".first-model"
"""In the folder of models: the bundle that answers until its back-test is done."""

SERVED = ".demonstration"
"""In the folder of models: a link to that bundle, and later to the champion."""


def demo(settings: Settings, report: Report, port: int, answer_with: Callable[[str], None] | None = None) -> str:
    """Import CDNOW, train and back-test; returns what to show.

    Args:
        settings: the store and the folder of models.
        report: receives the steps, with how long they take.
        port: of the service, for the addresses to show.
        answer_with: is called with the model to serve as soon as there is one: the present champion, or else the new
            model, before its back-test. What is there is replaced by the new champion.

    Raises:
        InvalidParameter: the store holds other orders, which the demonstration must not mix with its own.
    """
    _refuse_other_orders(settings)
    report = expecting(report, STEP_SECONDS)
    imported = import_orders(settings, [cdnow_path()], FORMAT, report=report)
    trained = _trained(settings, report, answer_with)
    answers = Answers.open(settings)
    customer = _example_customer(settings)
    answer = answers.customer(customer, breakdowns=frozenset({Breakdown.QUARTERLY}))
    path = f"http://127.0.0.1:{port}/api/payment/analytics/customers/{customer}/revenue"
    return "\n\n".join(
        [
            imported.render(),
            trained.text(),
            f"Customer {customer}, in full:\n{as_json(answer)}",
            f"Served, this is {path}?breakdown=quarterly\nThe API is described at http://127.0.0.1:{port}/api/docs",
        ]
    )


@contextmanager
def without_first_model(models: Path) -> Iterator[None]:
    """Remove, at the end, what only the demonstration answers with."""
    try:
        yield
    finally:
        (models / SERVED).unlink(missing_ok=True)
        shutil.rmtree(models / FIRST_MODEL, ignore_errors=True)


def _trained(settings: Settings, report: Report, answer_with: Callable[[str], None] | None) -> TrainingResult:
    if answer_with is None:
        return train(settings, None, report)
    try:
        model_identity(settings.registry)
    except ModelError:
        pass
    else:
        answer_with(settings.current_model)
        return train(settings, None, report)

    def serve_first(predictor: Predictor, facts: Mapping[str, object]) -> None:
        bundle.save(predictor, settings.models / FIRST_MODEL, {**facts, UNDER_WAY: True})
        point(settings.models / SERVED, FIRST_MODEL)
        answer_with(str(settings.models / SERVED))

    result = train(settings, None, report, before_backtest=serve_first)
    point(settings.models / SERVED, CURRENT)
    return result


def _refuse_other_orders(settings: Settings) -> None:
    try:
        with open_store(settings.store, settings.store_options) as store:
            formats = set(store.info.formats)
    except StoreNotFound:
        return
    if formats - {FORMAT}:
        raise InvalidParameter(
            f"the store {settings.store} holds other orders than CDNOW's; give the demonstration one of its own: "
            "CUSTOMER_REVENUE_STORE=duckdb:///data/demo.duckdb CUSTOMER_REVENUE_MODELS=data/demo-models make demo"
        )


def _example_customer(settings: Settings) -> str:
    """The repeat buyer whose last purchase is the latest, the one with most purchases if there are several."""
    with open_store(settings.store, settings.store_options) as store:
        features = feature_rows(store, store.as_of())
    keys = [("silence_days", "ascending"), ("frequency", "descending"), ("customer_id", "ascending")]
    first = pc.sort_indices(features, sort_keys=keys)[0]
    return str(features.column("customer_id")[first.as_py()])
