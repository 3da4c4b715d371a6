"""Stored bytes, named by what they are."""
