"""What the worker does once a letter is deposited."""
