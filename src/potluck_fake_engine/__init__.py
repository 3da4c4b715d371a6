"""A fake inference engine: speaks the dialects of real ones, answers predictably, and breaks on command.

It shares no code with the gateway it tests: a mistake made twice in one codec would never be seen.
"""
