"""Serves the portal that is built from web/: its shell for every view, and its files."""
