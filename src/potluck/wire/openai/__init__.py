"""The OpenAI dialect, spoken to clients and to engines (API-CONTRACTS.md 1).

`asks` reads requests and hands out the writers and the passage of their answers; `encode` writes requests for
engines, `readers` reads what they answer; `errors` maps the tree of `core.errors`, both ways.
"""
