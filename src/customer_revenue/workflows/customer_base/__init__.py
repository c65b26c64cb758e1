"""Everything about all customers at once: the snapshot, analytics, lists, the dashboard."""
