"""The yearly dialogue: results declared, reviewed, discussed, then minutes signed."""
