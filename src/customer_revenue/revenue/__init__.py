"""What happened? Canonical tables in; facts per customer and per customer base out."""
