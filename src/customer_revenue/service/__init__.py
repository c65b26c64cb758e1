"""The HTTP service over the workflows."""
