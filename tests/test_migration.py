"""The quick-starts of lifetimes and pymc-marketing step by step with ours, and every row of the migration tables."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

import customer_revenue as cr

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # importing lifetimes warns
    from lifetimes import BetaGeoFitter, GammaGammaFitter, ModifiedBetaGeoFitter, ParetoNBDFitter
    from lifetimes.datasets import load_cdnow_summary_data_with_monetary_value, load_transaction_data
    from lifetimes.utils import summary_data_from_transaction_data

GUIDE = Path(__file__).parents[1] / "docs" / "python.md"
END = "2014-12-31"
CUTOFF = "2014-09-01"

pytestmark = pytest.mark.filterwarnings("ignore")  # lifetimes' own, and cautions about the sample


@pytest.fixture(scope="module")
def steps() -> SimpleNamespace:
    """The data and the fits of lifetimes' quick-start, theirs and ours: CDNOW in weeks, and its log of transactions."""
    warnings.simplefilter("ignore")
    rfm = load_cdnow_summary_data_with_monetary_value()
    back = rfm[rfm["frequency"] > 0]
    theirs = BetaGeoFitter(penalizer_coef=0.0).fit(rfm["frequency"], rfm["recency"], rfm["T"])
    spend = GammaGammaFitter(penalizer_coef=0).fit(back["frequency"], back["monetary_value"])
    log = load_transaction_data()
    orders = cr.load_orders(log, customer="id", date="date", as_of=END)
    ours = cr.ProbabilityModel("bg_nbd", penalizer=0.0, time_unit="week").fit(rfm)
    return SimpleNamespace(rfm=rfm, theirs=theirs, spend=spend, log=log, orders=orders, ours=ours)


def same(ours: Any, theirs: Any, rtol: float = 1e-4) -> None:
    np.testing.assert_allclose(np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float), rtol=rtol, atol=1e-9)


def summary_of_transactions(s: SimpleNamespace) -> None:
    theirs = summary_data_from_transaction_data(s.log, "id", "date", observation_period_end=END)
    ours = s.orders.rfm(END).astype({"customer_id": int}).set_index("customer_id").loc[theirs.index]
    same(ours[["frequency", "recency_days", "T_days"]], theirs[["frequency", "recency", "T"]])


def calibration_and_holdout(s: SimpleNamespace) -> None:
    calibration = summary_data_from_transaction_data(s.log, "id", "date", observation_period_end=CUTOFF)
    days = pd.to_datetime(s.log["date"]).dt.normalize()
    later = s.log.assign(day=days)[days > CUTOFF].groupby("id")["day"].nunique()  # theirs fails with pandas 3
    features, outcomes = s.orders.features(CUTOFF), s.orders.outcomes(CUTOFF, 121)
    ids = features["customer_id"].astype(int)
    same(features[["frequency", "recency_days", "T_days"]], calibration.loc[ids][["frequency", "recency", "T"]])
    same(outcomes["purchases"], later.reindex(ids).fillna(0))


def parameters_of_bg_nbd(s: SimpleNamespace) -> None:
    same(s.ours.parameters_["value"][["r", "alpha", "a", "b"]], s.theirs.summary["coef"])
    assert s.theirs.summary["coef"].round(2).tolist() == [0.24, 4.41, 0.79, 2.43]
    penalised = BetaGeoFitter(penalizer_coef=0.01).fit(s.rfm["frequency"], s.rfm["recency"], s.rfm["T"])
    assert cr.ProbabilityModel("bg_nbd", penalizer=0.01).fit(s.rfm).parameters_["value"]["a"] < 0.79
    assert penalised.params_["a"] < 0.79


def other_models(s: SimpleNamespace) -> None:
    for name, kind in (("mbg_nbd", ModifiedBetaGeoFitter), ("pareto_nbd", ParetoNBDFitter)):
        theirs = kind(penalizer_coef=0.0).fit(s.rfm["frequency"], s.rfm["recency"], s.rfm["T"])
        ours = cr.ProbabilityModel(name, penalizer=0.0).fit(s.rfm)
        same(ours.parameters_["value"][:4], [theirs.params_[p] for p in ours.parameters_.index[:4]], rtol=2e-2)


def standard_errors(s: SimpleNamespace) -> None:
    same(s.ours.parameters_["standard_error"][["r", "alpha", "a", "b"]], s.theirs.summary["se(coef)"], rtol=0.02)
    assert s.ours.parameters_["value"]["alpha"] == pytest.approx(s.theirs.params_["alpha"], rel=1e-4)


def expected_purchases(s: SimpleNamespace) -> None:
    f, r, T = s.rfm["frequency"], s.rfm["recency"], s.rfm["T"]
    same(s.ours.expected_purchases(s.rfm, 1), s.theirs.conditional_expected_number_of_purchases_up_to_time(1, f, r, T))


def alive(s: SimpleNamespace) -> None:
    f, r, T = s.rfm["frequency"], s.rfm["recency"], s.rfm["T"]
    same(s.ours.probability_alive(s.rfm), s.theirs.conditional_probability_alive(f, r, T))


def new_customer(s: SimpleNamespace) -> None:
    same(s.ours.new_customer([10]).iloc[0], s.theirs.expected_number_of_purchases_up_to_time(10))


def number_of_purchases(s: SimpleNamespace) -> None:
    rows = s.rfm.assign(T=39.0, recency=s.rfm["recency"].clip(upper=39.0))
    theirs = [len(rows) * s.theirs.probability_of_n_purchases_up_to_time(39.0, n) for n in range(3)]
    same(s.ours.repeat_distribution(rows, most=3)[:3], theirs)


def spend_parameters(s: SimpleNamespace) -> None:
    same(s.ours.parameters_["value"][["p", "q", "v"]], s.spend.summary["coef"], rtol=1e-3)


def expected_spend(s: SimpleNamespace) -> None:
    theirs = s.spend.conditional_expected_average_profit(s.rfm["frequency"], s.rfm["monetary_value"])
    same(s.ours.expected_spend(s.rfm), theirs, rtol=1e-3)


def lifetime_value(s: SimpleNamespace) -> None:
    f, r, T, m = (s.rfm[name] for name in ("frequency", "recency", "T", "monetary_value"))
    theirs = s.spend.customer_lifetime_value(s.theirs, f, r, T, m, time=12, discount_rate=0.01, freq="W")
    weeks, months_a_year = 12 * 30 / 7, 365.25 / 30
    ours = s.ours.lifetime_value(s.rfm, weeks, discount_rate_per_year=1.01**months_a_year - 1)
    # Theirs discounts each month from its end, half a month later than the middle, and counts 4.345 weeks a month.
    assert ours.sum() / theirs.sum() == pytest.approx(1.005, abs=0.02)
    assert np.corrcoef(ours, theirs)[0, 1] > 0.9999


def saved(s: SimpleNamespace) -> None:
    path = Path(s.orders.settings.models).parent / "model.json"
    same(cr.ProbabilityModel.load(s.ours.save(path)).expected_purchases(s.rfm, 4), s.ours.expected_purchases(s.rfm, 4))


def drawn(*names: str) -> Callable[[SimpleNamespace], None]:
    """A check that our plots of these names draw the fitted model, its customers or its orders."""

    def check(s: SimpleNamespace) -> None:
        days, model = s.orders.features(CUTOFF), None
        model = cr.ProbabilityModel("mbg_nbd").fit(days)
        arguments: dict[str, Callable[[], Axes]] = {
            "frequency_recency_matrix": lambda: cr.plots.frequency_recency_matrix(s.ours, 4, 40),
            "probability_alive_matrix": lambda: cr.plots.probability_alive_matrix(s.ours, 40),
            "repeat_purchases": lambda: cr.plots.repeat_purchases(model, days),
            "cumulative_purchases": lambda: cr.plots.cumulative_purchases(model, s.orders.daily(END), CUTOFF),
            "incremental_purchases": lambda: cr.plots.incremental_purchases(model, s.orders.daily(END), CUTOFF),
            "holdout_by_frequency": lambda: _holdout_plot(s, model),
            "alive_history": lambda: cr.plots.alive_history(model, s.orders.purchase_days("1"), END),
        }
        for name in names:
            assert arguments[name]().has_data()

    return check


def _holdout_plot(s: SimpleNamespace, model: cr.ProbabilityModel) -> Axes:
    features, outcomes = s.orders.features(CUTOFF), s.orders.outcomes(CUTOFF, 121)
    predicted = {"MBG/NBD": model.expected_purchases(features, 121).to_numpy()}
    return cr.plots.holdout_by_frequency(features["frequency"], outcomes["purchases"], predicted)


def absent(_: SimpleNamespace) -> None:
    """The table says that we have none; nothing to compare."""


LIFETIMES: dict[str, Callable[[SimpleNamespace], None]] = {
    "summary_data_from_transaction_data": summary_of_transactions,
    "calibration_and_holdout_data": calibration_and_holdout,
    "BetaGeoFitter": parameters_of_bg_nbd,
    "ModifiedBetaGeoFitter": other_models,
    ".summary": standard_errors,
    ".conditional_expected_number_of_purchases_up_to_time": expected_purchases,
    ".conditional_probability_alive": alive,
    ".expected_number_of_purchases_up_to_time": new_customer,
    ".probability_of_n_purchases_up_to_time": number_of_purchases,
    "GammaGammaFitter": spend_parameters,
    ".conditional_expected_average_profit": expected_spend,
    ".customer_lifetime_value": lifetime_value,
    "save_model": saved,
    "plot_frequency_recency_matrix": drawn("frequency_recency_matrix"),
    "plot_probability_alive_matrix": drawn("probability_alive_matrix"),
    "plot_period_transactions": drawn("repeat_purchases"),
    "plot_calibration_purchases_vs_holdout_purchases": drawn("holdout_by_frequency"),
    "plot_cumulative_transactions": drawn("cumulative_purchases", "incremental_purchases"),
    "plot_history_alive": drawn("alive_history"),
    "plot_transaction_rate_heterogeneity": absent,
    "BetaGeoBetaBinomFitter": absent,
}
"""By the first name in each row of the table, what the row promises."""


def segments(s: SimpleNamespace) -> None:
    assert s.orders.facts(END)["customer_segment"].notna().all()


def no_purchase(s: SimpleNamespace) -> None:
    f, r, T = s.rfm["frequency"], s.rfm["recency"], s.rfm["T"]
    alive_now, found = s.theirs.conditional_probability_alive(f, r, T), s.theirs.params_
    silent = ((found["alpha"] + T) / (found["alpha"] + T + 4)) ** (found["r"] + f)
    same(1 - s.ours.purchase_probability(s.rfm, 4), 1 - alive_now + alive_now * silent)


def intervals(s: SimpleNamespace) -> None:
    assert (s.ours.parameters_["low"] < s.ours.parameters_["high"]).all()
    assert s.ours.bootstrap(2).shape == (2, 4)


PYMC_MARKETING: dict[str, Callable[[SimpleNamespace], None]] = {
    "rfm_summary": summary_of_transactions,
    "rfm_train_test_split": calibration_and_holdout,
    "rfm_segments": segments,
    "BetaGeoModel": other_models,
    '.fit(data, method="map")': parameters_of_bg_nbd,
    ".fit(data)": intervals,
    ".expected_purchases": expected_purchases,
    ".expected_probability_alive": alive,
    ".expected_probability_no_purchase": no_purchase,
    ".expected_purchases_new_customer": new_customer,
    "GammaGammaModel": expected_spend,
    ".expected_customer_lifetime_value": lifetime_value,
    "plot_frequency_recency_matrix": drawn("frequency_recency_matrix", "probability_alive_matrix"),
    "plot_expected_purchases_over_time": drawn("cumulative_purchases", "incremental_purchases"),
    "plot_expected_purchases_ppc": drawn("repeat_purchases"),
    "plot_customer_exposure": absent,
    "BetaGeoBetaBinomModel": absent,
}


def rows_of(heading: str) -> list[tuple[str, str]]:
    """The two cells of each row of the table under a heading of the guide."""
    section = GUIDE.read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [re.split(r"(?<!\\)\|", line)[1:3] for line in section.splitlines() if line.startswith("| ")]
    return [(left.strip(), right.strip()) for left, right in rows[1:]]


def check_of(left: str, checks: dict[str, Callable[[SimpleNamespace], None]]) -> Callable[[SimpleNamespace], None]:
    cell = left.removeprefix("`")
    names = [name for name in checks if re.match(rf"{re.escape(name)}(?!\w)", cell)]
    assert names, f"nothing checks the row of {left}"
    return checks[max(names, key=len)]


@pytest.mark.parametrize(
    ("row", "checks"),
    [
        *((row, LIFETIMES) for row in rows_of("From lifetimes")),
        *((row, PYMC_MARKETING) for row in rows_of("From pymc-marketing")),
    ],
    ids=lambda value: value[0][:60] if isinstance(value, tuple) else "",
)
def test_a_row_of_the_migration_tables_is_true(
    steps: SimpleNamespace, row: tuple[str, str], checks: dict[str, Callable[[SimpleNamespace], None]]
) -> None:
    check = check_of(row[0], checks)
    assert (check is absent) == row[1].startswith("none"), row
    check(steps)


def test_every_check_has_its_row() -> None:
    for heading, checks in (("From lifetimes", LIFETIMES), ("From pymc-marketing", PYMC_MARKETING)):
        assert {check_of(left, checks) for left, _ in rows_of(heading)} == set(checks.values())
