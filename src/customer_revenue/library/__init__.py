"""The Python API: what ``import customer_revenue`` offers to notebooks, on top of the workflows."""
