"""What anyone may know of the contracts in force."""
