"""Imports: staged files merged into a store, all of it or nothing."""
