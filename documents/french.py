"""French text and moments as official documents print them, in unbreakable pieces."""

import re
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from cpts_portal.words import NBSP

# Paragraphs, each a list of lines.
Lines = list[list[str]]

_BEFORE = re.compile(r"(?<=\S) (?=[:;!?»%€](?:\s|$|[).,»]))")
_AFTER = re.compile(r"(?<=«) |(?<=\b[LR]\.) (?=\d)")


def french_spaces(text: str) -> str:
    """The same text, its ordinary spaces beside French punctuation made unbreakable."""
    return _AFTER.sub(NBSP, _BEFORE.sub(NBSP, str(text)))


def to_paragraphs(lines: Iterable[str]) -> Lines:
    """Lines grouped into paragraphs: a blank line parts two of them."""
    return [
        [french_spaces(line) for line in group]
        for blank, group in groupby(lines, key=lambda line: not line.strip())
        if not blank
    ]


def local_datetime(value: str | datetime) -> datetime:
    """A moment of the snapshot, in the portal's time zone."""
    moment = parse_datetime(value) if isinstance(value, str) else value
    if moment is None:
        raise ValueError(f"Not a moment: {value!r}")
    return timezone.localtime(moment)
