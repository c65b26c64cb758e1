"""What the logged model takes and returns: its signature, an example that is nobody's, and what it needs."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature

DISTRIBUTION = "customer-revenue"
SERVER_ONLY = frozenset({"bentoml", "fastapi", "limits", "prometheus-client", "starlette"})
"""What only the service needs, which the logged model does not have to install."""

TAKEN_ORDER_COLUMNS = {
    "customer_id": "string",
    "order_date": None,
    "amount_cents": None,
    "order_id": None,
}
"""Of a log of orders: text, or anything that says it. Without ``order_id`` each row is an order."""

EXAMPLE_ORDERS = (
    ("customer-1", 400, 4_500),
    ("customer-1", 310, 3_900),
    ("customer-1", 200, 5_250),
    ("customer-1", 95, 4_100),
    ("customer-1", 12, 4_800),
    ("customer-2", 260, 12_000),
    ("customer-2", 240, 9_900),
    ("customer-3", 30, 2_500),
)
"""Invented orders: customer, days before the model's day, and cents."""


def example_orders(last_day: dt.date) -> pd.DataFrame:
    """Orders that nobody has made, up to a day: the model's input example."""
    import pandas as pd  # commands that answer from known SQL do without it

    return pd.DataFrame(
        {
            "customer_id": [customer for customer, _, _ in EXAMPLE_ORDERS],
            "order_date": [str(last_day - dt.timedelta(days=ago)) for _, ago, _ in EXAMPLE_ORDERS],
            "amount_cents": [cents for _, _, cents in EXAMPLE_ORDERS],
            "order_id": [f"example-{number}" for number in range(1, len(EXAMPLE_ORDERS) + 1)],
        }
    )


def signature(schemas: Mapping[str, bytes]) -> ModelSignature | None:
    """Columns of features or of orders, whose numbers may be whole or not; parameters; and the columns of predictions.

    No input column is required by MLflow, since it knows no choice between two sets; the model says what it lacks.

    Args:
        schemas: ``inputs.arrow``, a table of features, and ``outputs.arrow``, one of predictions; neither needs rows.

    Returns:
        The signature; ``None`` of a model that cannot predict, which has no outputs.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType
    from pyarrow import feather

    if "outputs.arrow" not in schemas:
        return None
    features, predictions = (
        feather.read_table(io.BytesIO(schemas[name])).schema for name in ("inputs.arrow", "outputs.arrow")
    )
    anything: Any = AnyType()  # type: ignore[no-untyped-call]
    taken = {field.name: "string" if pa.types.is_string(field.type) else None for field in features}
    taken |= TAKEN_ORDER_COLUMNS
    inputs: list[Any] = [
        ColSpec(DataType.string if kind else anything, name, required=False) for name, kind in taken.items()
    ]
    outputs: list[Any] = [ColSpec(_kind(field.type), field.name, required=False) for field in predictions]
    params = [ParamSpec("horizon_days", DataType.long, 0), ParamSpec("as_of", DataType.string, "")]
    return ModelSignature(Schema(inputs), Schema(outputs), ParamSchema(params))


def _kind(kind: pa.DataType) -> Any:
    from mlflow.types import DataType

    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return DataType.datetime
    if pa.types.is_boolean(kind):
        return DataType.boolean
    if pa.types.is_integer(kind):
        return DataType.long
    return DataType.double if pa.types.is_floating(kind) else DataType.string


def requirements() -> list[str]:
    """Every distribution that predicting needs, directly or not, at the version that it has here.

    Where the package is installed by its lock these are the lock's versions. The package itself travels with the model.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found: dict[str, str] = {}
    waiting = [(DISTRIBUTION, "")]
    seen = set(waiting)
    while waiting:
        distribution, extra = waiting.pop()
        for needed in map(Requirement, metadata.requires(distribution) or ()):
            name = canonicalize_name(needed.name)
            if distribution == DISTRIBUTION and name in SERVER_ONLY:
                continue
            if needed.marker and not needed.marker.evaluate({"extra": extra}):
                continue
            found[name] = metadata.version(name)
            new = {(name, wanted) for wanted in ("", *needed.extras)} - seen
            seen |= new
            waiting += sorted(new)
    return [f"{name}=={version}" for name, version in sorted(found.items())]
