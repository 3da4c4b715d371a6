"""The embedded engine: llama.cpp's own server from ``xllamacpp``, in child processes that are looked after.

Nothing is imported here, so that a child loads no more than it needs.
"""
