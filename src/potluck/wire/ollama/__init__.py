"""Ollama's dialect (API-CONTRACTS.md 2), both sides of it.

For clients: `asks` reads requests, `writers` writes answers, `passage` lets an Ollama engine's answer through, `errors`
and `catalogue` do the rest. For engines: `requests` encodes calls, `readers` reads answers.
What is lost on the way is told in docs/reference/translations/ollama.md.
"""
