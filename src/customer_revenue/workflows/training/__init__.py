"""Training, and predictions for every customer."""
