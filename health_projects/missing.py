"""What a project lacks is said as for every written case."""

from writing.content import Missing

__all__ = ["Missing"]
