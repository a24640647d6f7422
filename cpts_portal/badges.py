"""A state in words, as a badge, for the tables drawn without a template."""

from html import escape


def badge(label: str, tone: str = "") -> str:
    """As `components/badge.html` draws it; `tone` only repeats what the label says."""
    css = f" fr-badge--{tone}" if tone else ""
    return f'<span class="fr-badge fr-badge--no-icon fr-badge--sm{css}">{escape(label)}</span>'
