"""Stores that Spark reads: a folder of Parquet tables, or tables of a catalogue."""
