"""Finding a commune or an EPCI from what people type."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection, models
from django.db.models import Case, Count, IntegerField, Q, Value, When

from territories.normalise import normalise

if TYPE_CHECKING:
    from territories.models import Commune, Intercommunality  # noqa: F401 - named between quotes below

MAX_RESULTS = 20
# Beyond these, more words only make the same few communes fewer.
_MAX_LENGTH = 120
_MAX_WORDS = 8


@dataclass(frozen=True, slots=True)
class CommuneMatch:
    """A commune or an arrondissement of today that answers a search.

    `former` is the déléguée, associée or former code through which it was found, else empty.
    `population` is the legal municipal population, None where the INSEE publishes none.
    """

    code: str
    name: str
    kind: str
    department_code: str
    department_name: str
    postal_codes: list[str]
    population: int | None
    former: str = ""

    @property
    def label(self) -> str:
        """The name, told apart from its homonyms: « Lavaur (Tarn, 81500) »."""
        postal = f", {self.postal_codes[0]}" if self.postal_codes else ""
        arrow = f"{self.former} → " if self.former else ""
        return f"{arrow}{self.name} ({self.department_name}{postal})"


def _patterns(words: list[str]) -> tuple[list[str], list[str]]:
    """LIKE patterns of the words anywhere, then at the start of a word.

    Figures match from their start only: « 310 » is the beginning of a code. So do words of one
    or two letters, too short for the trigram index to find inside a word.
    """
    starts = [f"% {word}%" for word in words]
    anywhere = [
        f"%{word}%" if len(word) > 2 and word.isalpha() else start
        for word, start in zip(words, starts, strict=True)
    ]
    return anywhere, starts


def commune_search_query(text: str, limit: int = MAX_RESULTS) -> tuple[str, list[Any]] | None:
    """The one query of a search, with its parameters; None when there is nothing to look for.

    Ranks: exact name or code, start of the name, exact former name, words' starts, words'
    parts, then what only a former name or code explains; the most populated first.
    """
    words = normalise(text[:_MAX_LENGTH]).split()[:_MAX_WORDS]
    if not words:
        return None
    whole = " ".join(words)
    name = " ".join(word for word in words if word.isalpha()) or whole
    if len(whole) == 1:
        # One letter is in every name: only a commune called by it (« Y ») is worth showing.
        anywhere = starts = [f"% | {whole} |%"]
        condition, condition_parameters = "name_key = %s", [whole]
    else:
        words = list(dict.fromkeys(words))
        anywhere, starts = _patterns(words)
        condition = " AND ".join(["search_key LIKE %s"] * len(anywhere))
        condition_parameters = anywhere
    own = " AND ".join(["split_part(search_key, '||', 1) LIKE %s"] * len(words))
    sql = f"""
        SELECT c.code, c.name, c.kind, c.department_id, d.name, c.postal_codes, c.population,
               CASE WHEN c.rank IN (2, 5) THEN coalesce((
                   SELECT coalesce(nullif(f.name, ''), f.code)
                   FROM territories_formercommune f
                   WHERE f.current_id = c.code
                     AND ' ' || f.name_key || ' ' || lower(f.code) LIKE ANY(%s)
                   ORDER BY f.name_key <> %s,
                            NOT ' ' || f.name_key || ' ' || lower(f.code) LIKE ALL(%s),
                            f.name_key, f.code
                   LIMIT 1), '') ELSE '' END
        FROM (
            SELECT code, name, kind, department_id, postal_codes, population, name_key,
                   CASE WHEN name_key = %s
                          OR split_part(search_key, '||', 1) LIKE %s THEN 0
                        WHEN name_key LIKE %s THEN 1
                        WHEN search_key LIKE %s THEN 2
                        WHEN {own} THEN 3
                        WHEN {own} THEN 4
                        ELSE 5 END AS rank
            FROM territories_commune
            WHERE is_active AND {condition}
            ORDER BY rank, population DESC NULLS LAST, name_key, code
            LIMIT %s
        ) c
        JOIN territories_department d ON d.code = c.department_id
        ORDER BY c.rank, c.population DESC NULLS LAST, c.name_key, c.code
    """  # noqa: S608 - only literal fragments are assembled; every value is a parameter
    # Codes have five signs; a shorter number is the beginning of many.
    exact_code = f"% {whole} %" if len(whole) == 5 and whole[-1].isdigit() else "|"
    return sql, [
        anywhere,
        name,
        anywhere,
        name,
        exact_code,
        f"{name}%",
        f"%| {whole} |%",
        *starts,
        *anywhere,
        *condition_parameters,
        limit,
    ]


class CommuneManager(models.Manager["Commune"]):
    def search(self, text: str, limit: int = MAX_RESULTS) -> list[CommuneMatch]:
        """Return at most `limit` communes for a name, a postal code or an INSEE code, in one query.

        Words may come in any order and be cut short; a number beside a name (« Lavaur 81 »)
        narrows it to the codes it begins. Communes out of force are left out.
        """
        query = commune_search_query(text, min(limit, MAX_RESULTS))
        if query is None:
            return []
        with connection.cursor() as cursor:
            cursor.execute(*query)
            return [CommuneMatch(*row) for row in cursor.fetchall()]


class IntercommunalityQuerySet(models.QuerySet["Intercommunality"]):
    def search(self, text: str, limit: int = MAX_RESULTS) -> "IntercommunalityQuerySet":
        """EPCI whose name holds every word typed, or whose SIREN begins so.

        Each has `commune_count`, the number of its communes. Nothing typed finds nothing.
        """
        words = normalise(text[:_MAX_LENGTH]).split()[:_MAX_WORDS]
        if not words or len("".join(words)) < 2:
            return self.none()
        anywhere, _ = _patterns(words)
        condition = Q()
        for pattern in anywhere:
            condition &= Q(search_key__contains=pattern.strip("%"))
        return (
            self.filter(condition)
            .annotate(
                rank=Case(
                    When(search_key__startswith=f"| {' '.join(words)}", then=Value(0)),
                    default=Value(1),
                    output_field=IntegerField(),
                ),
                commune_count=Count("communes", filter=Q(communes__is_active=True)),
            )
            .order_by("rank", "name", "siren")[:limit]
        )
