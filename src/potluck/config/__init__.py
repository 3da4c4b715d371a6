"""The owner's settings: `model` holds the one frozen `Config`, `load` reads ``potluck.yaml`` into it.

Only the stdlib is imported by `model`, so that everything may depend on it at no cost.
"""
