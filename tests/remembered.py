"""What several examples in docstrings do alike is done once: each imports orders and fits a model of its own to them.

What is kept is found by everything that went in, so that an example that does anything else does it itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import pytest

from customer_revenue.library import backtests, loading
from customer_revenue.library.orders import Orders
from customer_revenue.modeling.pareto_nbd import ParetoNBD
from customer_revenue.modeling.predictor import Predictor
from customer_revenue.modeling.purchase_models import ModifiedBetaGeoCNBDk
from customer_revenue.orders.store import open_store
from customer_revenue.settings import load_settings
from customer_revenue.workflows.evaluation.fold import predict_from

_fits: dict[str, dict[str, Any]] = {}
_folds: dict[str, Any] = {}
_stores: dict[str, bytes] = {}


@contextmanager
def remembered() -> Iterator[None]:
    """Import, fit and back-test each thing once, until the end of the block."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in (Predictor, ModifiedBetaGeoCNBDk, ParetoNBD):
            patch.setattr(kind, "fit", _fitting_once(kind.fit))
        patch.setattr(backtests, "predict_from", _predicting_once(predict_from))
        patch.setattr(loading, "_load_into", _loading_once(loading._load_into))
        yield


def _fitting_once(fit: Callable[..., Any]) -> Callable[..., Any]:
    def fit_once(model: Any, *given: Any) -> Any:
        key = joblib.hash((type(model), vars(model), given))
        if key in _fits:
            vars(model).update(_fits[key])
        else:
            fit(model, *given)
            _fits[key] = dict(vars(model))
        return model

    return fit_once


def _predicting_once(predict: Callable[..., Any]) -> Callable[..., Any]:
    def predict_once(store: Any, *given: Any) -> Any:
        key = joblib.hash((store.info.fingerprint, store.as_of().day, given))
        if key not in _folds:
            _folds[key] = predict(store, *given)
        return _folds[key]

    return predict_once


def _loading_once(load_into: Callable[..., Any]) -> Callable[..., Any]:
    def load_once(folder: Path, source: Any, *given: Any) -> Any:
        content = source if not isinstance(source, str | Path) else Path(source).read_bytes()
        key = joblib.hash((content, given))
        if key in _stores:
            return _opened(folder, _stores[key], given[-1])
        loaded = load_into(folder, source, *given)
        _stores[key] = (folder / "orders.duckdb").read_bytes()
        return loaded

    return load_once


def _opened(folder: Path, store: bytes, given: dict[str, Any]) -> Orders:
    (folder / "orders.duckdb").write_bytes(store)
    settings = load_settings(models=folder / "models", **given, store=f"duckdb:///{folder}/orders.duckdb")
    return Orders(open_store(settings.store, settings.store_options), settings, folder)
