"""Stores on PostgreSQL servers."""
