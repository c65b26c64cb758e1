"""Everything about one customer, or about some: the response, advice, detail, batches."""
