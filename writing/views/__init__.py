"""Views of a case, one module per thing people do with it."""
