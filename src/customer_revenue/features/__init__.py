"""Features of a customer's history as of a day: one row per customer."""
