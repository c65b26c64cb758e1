"""Revenue facts per customer and per customer base, from the canonical tables."""
