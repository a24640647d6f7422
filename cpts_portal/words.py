"""Hours and sizes as French writes them, the same on a page, in a mail and on paper."""

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

from django.utils import timezone
from django.utils.formats import date_format

NBSP: Final = "\N{NO-BREAK SPACE}"


def figure(number: int) -> str:
    """« 54 800 », with an unbreakable space."""
    return f"{number:,}".replace(",", NBSP)


def hour(moment: datetime) -> str:
    """« 7 h 46 », in the portal's time zone, with unbreakable spaces."""
    if timezone.is_aware(moment):
        moment = timezone.localtime(moment)
    return f"{moment.hour}{NBSP}h{NBSP}{moment:%M}"


def day_and_hour(moment: datetime) -> str:
    """« 22 novembre 2026 à 7 h 46 », in the portal's time zone."""
    if timezone.is_aware(moment):
        moment = timezone.localtime(moment)
    return f"{day(moment.date())} à {moment.hour}{NBSP}h{NBSP}{moment:%M}"


@lru_cache(maxsize=2_048)
def day(one: date) -> str:
    """« 22 novembre 2026 »."""
    return date_format(one, "j F Y")


def file_size(size: int) -> str:
    """« 812 Ko », « 2,4 Mo », from a number of bytes."""
    if size < 1_000_000:
        return f"{max(1, round(size / 1000))}{NBSP}Ko"
    return f"{size / 1_000_000:.1f}{NBSP}Mo".replace(".", ",")


def euros(amount: Decimal) -> str:
    """« 75 000 € », « 1 250,50 € », with unbreakable spaces."""
    whole, cents = divmod(abs(amount).quantize(Decimal("0.01")), 1)
    sign = "−" if amount < 0 else ""
    said = f"{sign}{figure(int(whole))}"
    return f"{said},{int(cents * 100):02d}{NBSP}€" if cents else f"{said}{NBSP}€"
