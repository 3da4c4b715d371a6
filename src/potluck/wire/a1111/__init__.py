"""A1111's dialect (API-CONTRACTS.md 6) as Potluck speaks it to engines: bodies, lists, progress."""
