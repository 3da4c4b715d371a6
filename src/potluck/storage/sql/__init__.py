"""The stores in SQL: schema and queries once, and one module for what a database does in its own way."""
