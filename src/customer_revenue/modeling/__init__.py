"""Predictions per customer: probability models, boosted corrections, and their uncertainty."""
