"""Orders: reads files, databases and Spark; provides a store of canonical tables."""
