"""The contract while it is written: one shared draft, what each party says of it, and its end."""
