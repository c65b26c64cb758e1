"""Databases that hold a store: a folder per engine, each with its engine, dialect, connection and target."""
