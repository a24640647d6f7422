"""The pages of the campaigns of a CPTS, for its team and its offices."""
