"""Dialects of code completion (API-CONTRACTS.md 4): llama.cpp's ``/infill``, Tabby's and Mistral's.

What is lost on the way is told in docs/reference/translations/code-completion.md.
"""
