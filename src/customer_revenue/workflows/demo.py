"""The demonstration: the CDNOW orders that ship with lifetimes, from the file to the response."""

from __future__ import annotations

import pyarrow.compute as pc

from customer_revenue.choices import Breakdown
from customer_revenue.console import Report
from customer_revenue.errors import InvalidParameter, StoreNotFound
from customer_revenue.orders.files.samples import cdnow_path
from customer_revenue.orders.store import open_store
from customer_revenue.settings import Settings
from customer_revenue.workflows.customers.answers import Answers
from customer_revenue.workflows.feature_rows import feature_rows
from customer_revenue.workflows.import_orders import import_orders
from customer_revenue.workflows.parameters import as_json
from customer_revenue.workflows.training.train import train

FORMAT = "cdnow"


def demo(settings: Settings, report: Report, port: int) -> str:
    """Import CDNOW, train and back-test; returns what to show.

    Raises:
        InvalidParameter: the store holds other orders, which the demonstration must not mix with its own.
    """
    _refuse_other_orders(settings)
    imported = import_orders(settings, [cdnow_path()], FORMAT, report=report)
    trained = train(settings, None, report)
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
