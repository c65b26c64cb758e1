"""The page at ``/``: static files that ask the same HTTP API as everybody."""
