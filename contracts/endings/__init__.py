"""How a contract ends: renewed, expired, terminated, or with its CPTS."""
