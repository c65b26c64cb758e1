"""The prediction log, and the checks of predictions, orders and drift."""
