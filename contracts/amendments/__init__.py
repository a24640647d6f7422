"""A contract changed: by its parties, or nationally for all of them."""
