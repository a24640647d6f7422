"""What a page draws once and keeps while what it says has not changed.

A form nobody has filled in says the same to everybody; results change with an answer, a count or
a commune. One short statement says whether they did: thousands of answers are not counted again.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from cpts_portal.memo import Memo
from mobilisation import markup
from mobilisation.forms import AnswerForm
from mobilisation.map import Step, description_of, steps_of
from mobilisation.models import Questionnaire
from mobilisation.results import Results, comments_of, results_of
from mobilisation.services import communes_of

_forms = Memo[SafeString](limit=2_000_000, weigh=len)
_results = Memo["Drawn"](limit=4_000_000, weigh=lambda one: one.weight)
_numbers = Memo[int](limit=200_000, weigh=lambda _one: 8)

# All that the results depend on, each part as a text.
_FRESHNESS: Final = """
    SELECT (SELECT count(*) || ' ' || coalesce(max(updated_at)::text, '')
              FROM mobilisation_reply WHERE questionnaire_id = %(questionnaire)s),
           (SELECT coalesce(string_agg(part.commune_id, ' ' ORDER BY part.id), '')
              FROM territories_territorypart AS part
              JOIN communities_communityterritory AS link USING (territory_id)
             WHERE link.community_id = %(community)s AND link.valid_to IS NULL),
           (SELECT coalesce(string_agg(concat_ws(' ', profession, coalesce(identified, -1),
                                                 coalesce(solicited, -1)), ',' ORDER BY id), '')
              FROM mobilisation_professioncount WHERE questionnaire_id = %(questionnaire)s),
           (SELECT concat_ws(' ', count(told_at), coalesce(sum(told_count), 0), max(told_at))
              FROM mobilisation_contact WHERE questionnaire_id = %(questionnaire)s),
           EXISTS (SELECT FROM territories_contourset WHERE is_current)
"""


@dataclass(frozen=True)
class Drawn:
    """The results of a questionnaire, counted and drawn."""

    results: Results
    tables: dict[str, Any]
    steps: list[Step]
    description: str
    has_map: bool

    @property
    def weight(self) -> int:
        """About how many characters it takes."""
        return sum(len(str(one)) for one in self.tables.values()) + 4_000


Freshness = tuple[Any, ...]


def freshness_of(questionnaire: Questionnaire) -> Freshness:
    """What changes whenever the results do, in one query."""
    given = {"questionnaire": questionnaire.pk, "community": questionnaire.community_id}
    with connection.cursor() as cursor:
        cursor.execute(_FRESHNESS, given)
        row = cursor.fetchone()
    return (questionnaire.pk, str(questionnaire.forgotten_at), *row)


def drawn_results(questionnaire: Questionnaire) -> Drawn:
    """The results, counted again only if something they say has changed."""
    fresh = freshness_of(questionnaire)

    def draw() -> Drawn:
        found = results_of(questionnaire)
        total = found.all.total
        tables = {
            "professions": markup.professions(found),
            "communes": markup.communes(found),
            "missions": markup.bars(found.missions, total),
            "questions": [(label, markup.bars(rows, total)) for label, rows in found.questions],
        }
        return Drawn(found, tables, steps_of(found), description_of(found), has_map=fresh[-1])

    return _results.get(fresh, draw)


def comment_count(questionnaire: Questionnaire, question: str, profession: str) -> int:
    """How many texts a list of them has."""
    count: Callable[[], int] = comments_of(questionnaire, question, profession).count
    return _numbers.get((*freshness_of(questionnaire), question, profession), count)


def empty_fields(questionnaire: Questionnaire) -> SafeString:
    """The questions of a form nobody has filled in, as everybody sees them."""
    communes = communes_of(questionnaire.community)
    key = (
        questionnaire.model_key,
        questionnaire.model_version,
        json.dumps(questionnaire.own_questions, sort_keys=True),
        " ".join(f"{code}{name}" for code, name in communes),
    )

    def draw() -> SafeString:
        form = AnswerForm(questionnaire=questionnaire, communes=communes)
        return render_to_string("mobilisation/_answer_fields.html", {"form": form})

    return _forms.get(key, draw)
