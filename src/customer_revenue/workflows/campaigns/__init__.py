"""Campaigns with a hold-out: who is contacted, and what that brought."""
