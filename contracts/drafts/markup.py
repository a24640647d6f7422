"""What a draft says, as rows: a hundred of them, drawn without a template."""

from collections.abc import Iterable
from html import escape as _e
from itertools import groupby

from django.utils.safestring import SafeString

from contracts.terms import COMMUNE


def together(lines: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The lines of a section as they are read: its communes, up to a hundred, make one.

    Where two versions are compared, each commune stays a line of its own.
    """
    shown: list[tuple[str, str]] = []
    for is_commune, group in groupby(lines, lambda line: line[0].startswith(COMMUNE)):
        if is_commune:
            shown.append(("Communes", ", ".join(value for _, value in group)))
        else:
            shown += group
    return shown


def lines_markup(lines: Iterable[tuple[str, str]]) -> SafeString:
    """The lines of a section as a list of descriptions; nothing without any."""
    return SafeString(
        "".join(
            f"<div><dt>{_e(label)}</dt><dd>{_as_typed(value)}</dd></div>"
            for label, value in together(lines)
        )
    )


def _as_typed(text: str) -> str:
    """Escaped, with its ends of lines."""
    return "<br>".join(_e(text.replace("\r\n", "\n").replace("\r", "\n")).split("\n"))


def lines_choices(lines: Iterable[tuple[str, str]]) -> SafeString:
    """The names of the lines as the options of a list."""
    return SafeString(
        "".join(f'<option value="{_e(name)}">{_e(name)}</option>' for name, _ in lines)
    )
