"""Conversations that other programs export, and our own: read into one shape, tolerant of what each has beside it."""
