"""A1111's dialect (API-CONTRACTS.md 6) as clients speak it to Potluck: what they ask for, lists, answers, errors."""
