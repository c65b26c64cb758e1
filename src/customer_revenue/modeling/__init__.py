"""What each customer will do: probability models, boosted corrections, and how sure they are."""
