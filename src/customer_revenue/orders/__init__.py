"""Orders: files, databases and Spark sessions in; a store of canonical tables out."""
