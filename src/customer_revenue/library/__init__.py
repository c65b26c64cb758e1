"""The Python API: what ``import customer_revenue`` offers, joined from the workflows for people and their notebooks."""
