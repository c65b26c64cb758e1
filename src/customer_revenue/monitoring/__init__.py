"""Was it right, and is what comes in still what it was? Realised against predicted, checks of the feed, drift."""
