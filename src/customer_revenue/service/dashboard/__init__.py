"""The page at ``/``: static files that use the same HTTP API as every client."""
