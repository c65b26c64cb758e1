"""Recommended actions from facts and predictions."""
