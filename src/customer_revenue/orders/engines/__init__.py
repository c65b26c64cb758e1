"""Databases that hold a store. Each has a folder with its engine, dialect, connection and target."""
