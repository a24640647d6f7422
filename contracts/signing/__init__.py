"""A frozen document goes round its signers: all of them, or nothing."""
