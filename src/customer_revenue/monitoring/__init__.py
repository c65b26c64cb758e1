"""Monitoring: realised against predicted, checks of the order feed, drift."""
