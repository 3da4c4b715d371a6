"""Durable work in the background: a file for each kind, a runner that leases jobs and brings them to their end."""
