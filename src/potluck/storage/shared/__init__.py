"""What several gateways share beside a database: in Redis, and in the memory of one that has no Redis."""
