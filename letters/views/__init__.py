"""Views of a letter, one module per thing people do with it."""
