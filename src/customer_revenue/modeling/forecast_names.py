"""The names of what is compared, without the libraries that predict."""

OURS = "customer-revenue"
BG_NBD = "BG/NBD + Gamma-Gamma"
NAIVE = "naive rule"
PREFIXES = {OURS: "", BG_NBD: "bgnbd_", NAIVE: "naive_"}
"""How the names of each one's metrics begin."""

METRICS = (
    "purchases_mae",
    "purchases_rmse",
    "purchases_spearman",
    "purchases_bias",
    "revenue_mae",
    "revenue_rmse",
    "revenue_gini",
    "revenue_bias",
    "probability_auc",
    "probability_log_loss",
    "probability_brier",
    "probability_ece",
    "next_date_error_days",
)
"""The metrics, in the order in which they are shown: methods of ``metrics.WeightedMetrics``."""

COVERAGE = ("purchases_coverage", "revenue_coverage", "interval_mass")
"""The figures of ``metrics.coverage``, of all customers."""
