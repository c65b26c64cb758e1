"""Files of orders: which format one is, and what each of its lines says."""
