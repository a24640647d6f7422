"""What waits for somebody, and where a contract stands."""
