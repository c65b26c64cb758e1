"""What each customer has been worth, what they will be worth, and what to do about it."""

__version__ = "0.1.0"
