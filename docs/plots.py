"""Draw the pictures of ``docs/plots.md`` into ``docs/images/plots``, from the CDNOW orders: ``make plots``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from matplotlib.axes import Axes
from PIL import Image

import customer_revenue as cr
from customer_revenue.plots.style import detached_figure

FOLDER = Path(__file__).parent / "images" / "plots"
DOTS_PER_INCH = 80
COLOURS = 128
CUTOFF = "1997-09-30"


def pictures(orders: cr.Orders) -> dict[str, Callable[[Axes], Axes]]:
    """A function that draws each plot, by name."""
    features = orders.features(as_of=CUTOFF)
    model = cr.ProbabilityModel("mbg_nbd").fit(features)
    learned = cr.CustomerModel(horizon_days=90).fit(orders, as_of=CUTOFF)
    result = cr.backtest(orders, horizon_days=90, cutoffs=[CUTOFF], also=("pareto_nbd",))
    customers, daily = result.customers(), orders.daily()
    forecasts = result.origins[-1].forecasts
    contributions, values = learned.churn_contributions(orders)
    days = [0, 30, 60, 90]
    actual = [0, *(orders.outcomes(CUTOFF, day)["purchases"].sum() for day in days[1:])]
    expected = [0, *(learned.predict(orders, horizon_days=day)["expected_purchases"].sum() for day in days[1:])]
    interval = {name: customers[f"revenue_{name}_cents"] for name in ("low", "high")}
    plots = cr.plots
    money = cr.money_by_cohort(orders, as_of="1997-06-30")
    return {
        "frequency_recency_matrix": lambda ax: plots.frequency_recency_matrix(model, 90, 270, ax=ax),
        "probability_alive_matrix": lambda ax: plots.probability_alive_matrix(model, 270, ax=ax),
        "alive_history": lambda ax: plots.alive_history(model, orders.purchase_days("00111"), "1998-06-30", ax=ax),
        "repeat_purchases": lambda ax: plots.repeat_purchases(model, features, ax=ax),
        "cumulative_purchases": lambda ax: plots.cumulative_purchases(model, daily, CUTOFF, ax=ax),
        "incremental_purchases": lambda ax: plots.incremental_purchases(model, daily, CUTOFF, ax=ax),
        "holdout_by_frequency": lambda ax: plots.holdout_by_frequency(
            customers["frequency"], customers["purchases"], {n: f.purchases for n, f in forecasts.items()}, ax=ax
        ),
        "spend_distribution": lambda ax: plots.spend_distribution(model, features, ax=ax),
        "reliability": lambda ax: plots.reliability(customers["purchase_probability"], customers["bought"], ax=ax),
        "tracking": lambda ax: plots.tracking(days, actual, expected, ax=ax),
        "interval_coverage": lambda ax: plots.interval_coverage(
            customers["revenue_cents"],
            mass=customers["interval_mass"],
            by=customers["expected_revenue_cents"],
            ax=ax,
            **interval,
        ),
        "gain": lambda ax: plots.gain(customers["revenue_cents"], {n: f.revenue for n, f in forecasts.items()}, ax=ax),
        "cohort_money": lambda ax: plots.cohort_money(money, ax=ax),
        "cohort_heatmap": lambda ax: plots.cohort_heatmap(money, ax=ax),
        "lorenz": lambda ax: plots.lorenz(orders.facts()["total_revenue_cents"], ax=ax),
        "shap_summary": lambda ax: plots.shap_summary(
            contributions.drop(columns="churn_log_odds"), values, most=10, ax=ax
        ),
    }


def main() -> None:
    """Draw all pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with cr.load_cdnow() as orders:
        for name, draw in pictures(orders).items():
            figure, axes = detached_figure()
            draw(axes)
            path = FOLDER / f"{name}.png"
            figure.savefig(path, dpi=DOTS_PER_INCH)
            Image.open(path).convert("RGB").quantize(COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    main()
