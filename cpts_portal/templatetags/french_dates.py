"""The filter `date` of every template, which writes the first of a month « 1er »."""

import re
from datetime import date
from typing import Any, Final

from django import template
from django.template import defaultfilters
from django.utils.formats import get_format

from cpts_portal import words

register = template.Library()

_LONG: Final = "j F Y"
# A day without its zero, before the name of a month.
_DAY: Final = re.compile(r"(?<!\\)j(?=\s+[FMNbE])")
# « er », which are letters of a format, written as they are.
_FIRST: Final = r"1\\e\\r"


@register.filter("date", expects_localtime=True, is_safe=False)
def day_by_format(value: Any, form: str | None = None) -> str:
    """As Django's `date`, but for « 1er » before the name of a month.

    A template names no library to have it: settings give it to each of them.
    """
    if form == _LONG and isinstance(value, date):
        return words.day(value)
    if isinstance(value, date) and value.day == 1:
        form = _DAY.sub(_FIRST, get_format(form or "DATE_FORMAT"))
    return str(defaultfilters.date(value, form))
