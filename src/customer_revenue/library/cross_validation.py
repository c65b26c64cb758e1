"""Cross-validation of :class:`CustomerModel` by scikit-learn, with the past before the future."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from customer_revenue.errors import InvalidParameter
from customer_revenue.library.customers import CustomerModel
from customer_revenue.library.loading import load_orders
from customer_revenue.library.order_frames import Frame, as_arrow
from customer_revenue.modeling.comparators import outcomes
from customer_revenue.modeling.forecast_names import METRICS
from customer_revenue.modeling.metrics import HIGHER_IS_BETTER, evaluate
from customer_revenue.workflows.evaluation.fold import forecast_of
from customer_revenue.workflows.feature_rows import label_rows

Rows = npt.NDArray[np.intp]


class RollingOrigins:
    """A splitter by time: trains on the orders up to a day, and tests on the horizon that follows it.

    The test rows of a split are the orders up to the end of its horizon: a forecast needs the past of those whom it is
    about, and :func:`holdout_scorer` counts only what came after the day of the fit. The last horizon ends with the
    last order, and each earlier one where the next begins.

    Args:
        n_splits: number of days.
        horizon_days: length of each horizon.
        date: column of the log of orders with their days or times.

    >>> import customer_revenue as cr, pandas as pd
    >>> log = pd.DataFrame({"customer": "ann", "date": pd.date_range("2024-01-01", periods=10), "amount": 5})
    >>> [(len(train), len(test)) for train, test in cr.RollingOrigins(2, horizon_days=3).split(log)]
    [(4, 7), (7, 10)]
    """

    def __init__(self, n_splits: int = 3, horizon_days: int = 90, *, date: str = "date") -> None:
        if n_splits < 1 or horizon_days < 1:
            raise InvalidParameter(f"n_splits and horizon_days must be 1 or more, not {n_splits} and {horizon_days}")
        self.n_splits: int = n_splits
        self.horizon_days: int = horizon_days
        self.date: str = date

    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:  # noqa: ARG002
        """The number of splits; scikit-learn asks for it.

        >>> import customer_revenue as cr
        >>> cr.RollingOrigins(4).get_n_splits()
        4
        """
        return self.n_splits

    def split(self, X: Frame, y: object = None, groups: object = None) -> Iterator[tuple[Rows, Rows]]:  # noqa: ARG002
        """The places of the rows to train on and to test on, from the earliest day to the latest.

        Args:
            X: the log of orders.
            y: not used.
            groups: not used.

        Raises:
            InvalidParameter: there is no such column of days, or the orders are not long enough.

        >>> import customer_revenue as cr, pandas as pd
        >>> log = pd.DataFrame({"customer": "ann", "date": ["2024-01-01", "2024-02-01", "2024-03-01"], "amount": 5})
        >>> [train.tolist() for train, _ in cr.RollingOrigins(1, horizon_days=30).split(log)]
        [[0]]
        """
        table = as_arrow(X, {})
        if self.date not in table.column_names:
            raise InvalidParameter(f"the log has no column {self.date!r}: name that of the days with date=")
        try:
            days = pd.to_datetime(table.column(self.date).to_pandas(), utc=True).dt.normalize()
        except (ValueError, TypeError):
            raise InvalidParameter(f"{self.date!r} must hold days or times: convert the column first") from None
        horizon = pd.Timedelta(days=self.horizon_days)
        cutoffs = [days.max() - horizon * number for number in range(self.n_splits, 0, -1)]
        if not (days <= cutoffs[0]).any():
            needed = f"{self.n_splits} horizons of {self.horizon_days} days"
            raise InvalidParameter(f"the orders are not longer than {needed}: ask for fewer or shorter ones")
        for cutoff in cutoffs:
            yield np.flatnonzero(days <= cutoff), np.flatnonzero(days <= cutoff + horizon)


def holdout_scorer(
    figure: str = "probability_log_loss", horizon_days: int | None = None
) -> Callable[[CustomerModel, Frame, object], float]:
    """A scorer for ``cross_val_score``: a metric of the back-test over the horizon after the day of the fit.

    Args:
        figure: name of a metric, as in ``cr.backtest(…).figures``; the sign is that more is better.
        horizon_days: length of the horizon; by default the model's.

    Raises:
        InvalidParameter: the metric is unknown.

    >>> import customer_revenue as cr
    >>> from sklearn.model_selection import cross_val_score
    >>> log = cr.simulate_orders(400, days=365, seed=1)
    >>> model = cr.CustomerModel(60, options=cr.ModelOptions(learned=False, windows=1, regularity=1))
    >>> splits, auc = cr.RollingOrigins(2, horizon_days=60, date="created_at"), cr.holdout_scorer("probability_auc")
    >>> scores = cross_val_score(model, log, cv=splits, scoring=auc)
    >>> len(scores), bool(scores.min() > 0.6)
    (2, True)
    """
    if figure not in METRICS:
        raise InvalidParameter(f"unknown metric {str(figure)[:40]!r}: use one of {', '.join(METRICS)}", list(METRICS))
    sign = 1.0 if figure in HIGHER_IS_BETTER else -1.0

    def score(model: CustomerModel, log: Frame, y: object = None) -> float:  # noqa: ARG001
        horizon = horizon_days or model.horizon_days
        with load_orders(log) as orders:
            features = orders.arrow.features(model.as_of)
            predictions = model.predictor_.predict(features, horizon)
            labels = label_rows(orders.store, model.as_of, [horizon], features.column("customer_id"))
        forecast = forecast_of(model.predictor_, features, predictions)
        return sign * evaluate(outcomes(features, labels, horizon), forecast)[figure]

    return score
