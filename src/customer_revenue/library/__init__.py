"""The Python API: what ``import customer_revenue`` offers to notebooks, based on the workflows."""
