"""The data plane: clients' bytes to engines and back, with no task, future or queue per chunk. See README.md here."""
