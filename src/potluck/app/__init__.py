"""The composition root: opens everything, closes it in reverse, and alone reads clock, chance and environment."""
