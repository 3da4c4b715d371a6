"""The scheduler: which engine serves a call, when, and why (docs/reference/scheduler.md). Events in, decisions out."""
