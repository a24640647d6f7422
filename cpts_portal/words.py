"""Days, hours, sizes, articles: French as a page, a mail and a paper all write it."""

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

from django.utils import timezone

NBSP: Final = "\N{NO-BREAK SPACE}"

MONTH_NAMES: Final = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)


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


def day(one: date) -> str:
    """« 22 novembre 2026 », « 1er novembre 2026 »."""
    number = one.day
    return f"{'1er' if number == 1 else number} {MONTH_NAMES[one.month - 1]} {one.year}"


def long_date(one: date) -> str:
    """« 1er novembre 2026 », its spaces unbreakable: for paper and for a sentence of the law."""
    return day(one).replace(" ", NBSP)


def file_size(size: int) -> str:
    """« 812 Ko », « 2,4 Mo », from a number of bytes."""
    if size < 1_000_000:
        return f"{max(1, round(size / 1000))}{NBSP}Ko"
    return f"{size / 1_000_000:.1f}{NBSP}Mo".replace(".", ",")


@lru_cache(maxsize=8_192)
def euros(amount: Decimal) -> str:
    """« 75 000 € », « 1 250,50 € », with unbreakable spaces."""
    whole, cents = divmod(abs(amount).quantize(Decimal("0.01")), 1)
    sign = "−" if amount < 0 else ""
    said = f"{sign}{figure(int(whole))}"
    return f"{said},{int(cents * 100):02d}{NBSP}€" if cents else f"{said}{NBSP}€"


# The articles of what an organisation is called by, after its first word.
_FEMININE: Final = frozenset({"caisse", "cpam", "commission", "délégation", "direction", "msa"})
_MASCULINE: Final = frozenset({"bureau", "comité", "conseil", "corecs", "guichet", "pôle"})
_ELIDED: Final = frozenset({"agence", "ars", "union", "urps"})


def the_body(name: str) -> str:
    """« l’URPS Infirmiers », « la CPAM du Tarn », « le Guichet »; a name it does not know as is."""
    return f"{_article(name)}{name}"


def of_body(name: str) -> str:
    """« de l’URPS Infirmiers », « de la CPAM du Tarn », « du Guichet »."""
    article = _article(name)
    return f"du {name}" if article == "le " else f"de {article}{name}"


def to_body(name: str) -> str:
    """« à l’URPS Infirmiers », « à la CPAM du Tarn », « au Guichet »."""
    article = _article(name)
    return f"au {name}" if article == "le " else f"à {article}{name}"


def _article(name: str) -> str:
    first = name.split(" ", 1)[0].lower()
    if first in _ELIDED:
        return "l’"
    if first in _FEMININE:
        return "la "
    return "le " if first in _MASCULINE else ""
