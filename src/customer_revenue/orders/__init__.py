"""What came in? Files, a database or a Spark session in; a store of canonical tables out."""
