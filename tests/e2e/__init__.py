"""Real processes and real clients: `potluck up` as users run it, third-party programs unmodified in front of it."""
