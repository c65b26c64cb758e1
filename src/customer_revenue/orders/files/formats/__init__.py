"""File formats of orders, one module per family."""
