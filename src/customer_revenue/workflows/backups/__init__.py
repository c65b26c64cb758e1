"""Backups: one file with everything that the service needs, and what restores it."""
