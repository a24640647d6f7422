"""One's own machine: the servers the portal needs, started and stopped with it."""
