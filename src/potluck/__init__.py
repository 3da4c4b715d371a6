"""Potluck: one AI service out of the mixed machines you already own."""

__version__ = "0.1.0"
