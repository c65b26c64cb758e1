"""What a customer's history looks like on a day: one row a customer."""
