"""What the answers add up to: by profession, commune, mission and question, in two statements.

Answers from outside the territory are kept and said apart: the letter counts those inside.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection
from django.db.models import QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce

from mobilisation.models import Contact, Interest, ProfessionCount, Questionnaire, Reply
from procedures.questionnaires import QuestionKind

INTERESTS: Final = tuple(Interest)

# One reading of the answers, grouped four ways. Written by hand: as models, each would join the
# territory again. A line is (what, key, key, is inside, how many).
_COUNTS: Final = """
    WITH territory AS MATERIALIZED (
        SELECT DISTINCT part.commune_id
          FROM territories_territorypart AS part
          JOIN communities_communityterritory AS link USING (territory_id)
         WHERE link.community_id = %(community)s AND link.valid_to IS NULL),
    reply AS MATERIALIZED (
        SELECT profession, interest, commune_id, missions, answers, email = '' AS anonymous,
               commune_id IS NOT NULL AND commune_id IN (SELECT commune_id FROM territory) AS inside
          FROM mobilisation_reply WHERE questionnaire_id = %(questionnaire)s AND counted)
    SELECT 'profession', profession, interest::text, inside, count(*) FROM reply
     GROUP BY profession, interest, inside
    UNION ALL
    SELECT 'commune', coalesce(commune_id, ''), interest::text, inside, count(*) FROM reply
     GROUP BY commune_id, interest, inside
    UNION ALL
    SELECT 'mission', mission, '', inside, count(*) FROM reply, unnest(missions) AS mission
     GROUP BY mission, inside
    UNION ALL
    SELECT 'question', question, choice, inside, count(*)
      FROM reply, jsonb_each(answers) AS given (question, value),
           jsonb_array_elements_text(CASE jsonb_typeof(value) WHEN 'array' THEN value
                                     ELSE jsonb_build_array(value) END) AS choice
     WHERE question = ANY(%(choices)s)
     GROUP BY question, choice, inside
    UNION ALL
    SELECT 'anonymous', '', '', inside, count(*) FROM reply WHERE anonymous GROUP BY inside
"""


@dataclass
class Tally:
    """Those who answered under one heading, by interest; `outside` are counted apart."""

    key: str
    label: str
    interests: Counter[int] = field(default_factory=Counter)
    outside: int = 0
    # How many the lead or the URPS know of, and how many were reached; None: not known.
    identified: int | None = None
    solicited: int | None = None

    @property
    def total(self) -> int:
        """Answers from the territory."""
        return sum(self.interests.values())

    @property
    def willing(self) -> int:
        """Those of the territory who wish to take part, or to lead."""
        return self.interests[Interest.TAKE_PART] + self.interests[Interest.LEAD]

    @property
    def ratio(self) -> int | None:
        """Answers for a hundred identified; None when nobody said how many there are."""
        return round(100 * self.total / self.identified) if self.identified else None


@dataclass
class Results:
    """The counts of a questionnaire. Those of missions and choices are of the territory too."""

    professions: list[Tally]
    # INSEE code → counts; those of the territory without an answer are there too.
    communes: dict[str, Tally]
    missions: list[tuple[str, int]]
    # Label of the question, then (label of the choice, how many).
    questions: list[tuple[str, list[tuple[str, int]]]]
    all: Tally
    # Answers without an address: nothing tells whether one person gave two.
    anonymous: int

    @property
    def total(self) -> int:
        """All answers that count, from the territory or not."""
        return self.all.total + self.all.outside


def results_of(questionnaire: Questionnaire) -> Results:
    """Count now, in four queries whatever the number of answers; once the answers have been
    deleted, the counts that were kept."""
    if questionnaire.kept_counts is not None:
        return _from_kept(questionnaire)
    model = questionnaire.model
    professions = {one.key: Tally(one.key, one.label) for one in model.professions}
    communes: dict[str, Tally] = {
        code: Tally(code, name) for code, name in _territory(questionnaire)
    }
    everybody = Tally("", "Ensemble")
    missions: Counter[str] = Counter()
    choices: dict[str, Counter[str]] = {}
    anonymous = 0
    for what, key, second, inside, count in _rows(questionnaire):
        match what:
            case "profession":
                _add(professions.setdefault(key, Tally(key, key)), second, count, inside=inside)
                _add(everybody, second, count, inside=inside)
            case "commune" if inside:
                _add(communes.setdefault(key, Tally(key, key)), second, count, inside=True)
            case "mission" if inside:
                missions[key] += count
            case "question" if inside:
                choices.setdefault(key, Counter())[second] += count
            case "anonymous":
                anonymous += count
    _put_counts(questionnaire, professions, everybody)
    return Results(
        professions=list(professions.values()),
        communes=communes,
        missions=[(one.label, missions[one.key]) for one in model.missions],
        questions=[
            (
                one.label,
                [(c.label, choices.get(one.key, Counter())[c.key]) for c in one.choices],
            )
            for one in questionnaire.questions
            if one.kind != QuestionKind.TEXT
        ],
        all=everybody,
        anonymous=anonymous,
    )


def _rows(questionnaire: Questionnaire) -> list[tuple[str, str, str, bool, int]]:
    given: dict[str, Any] = {
        "community": questionnaire.community_id,
        "questionnaire": questionnaire.pk,
        "choices": [q.key for q in questionnaire.questions if q.kind != QuestionKind.TEXT],
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, given)
        return cursor.fetchall()


def _territory(questionnaire: Questionnaire) -> list[tuple[str, str]]:
    from mobilisation.services import communes_of  # noqa: PLC0415 - services import no result

    return communes_of(questionnaire.community)


def _add(tally: Tally, interest: str, count: int, *, inside: bool) -> None:
    if inside:
        tally.interests[int(interest)] += count
    else:
        tally.outside += count


def _put_counts(
    questionnaire: Questionnaire, professions: dict[str, Tally], everybody: Tally
) -> None:
    """What the lead and the URPS know, beside what was answered."""
    listed = Counter(
        Contact.objects.filter(questionnaire=questionnaire, told_at__isnull=False).values_list(
            "profession", flat=True
        )
    )
    for line in ProfessionCount.objects.filter(questionnaire=questionnaire):
        if tally := professions.get(line.profession):
            tally.identified, tally.solicited = line.identified, line.solicited
    for profession, count in listed.items():
        if tally := professions.get(profession):
            tally.solicited = (tally.solicited or 0) + count
    known = list(professions.values())
    if any(one.identified is not None for one in known):
        everybody.identified = sum(one.identified or 0 for one in known)
    if any(one.solicited is not None for one in known):
        everybody.solicited = sum(one.solicited or 0 for one in known)


# --- What people wrote ----------------------------------------------------------------------------


def comments_of(questionnaire: Questionnaire, question: str, profession: str) -> QuerySet[Reply]:
    """The answers with a text to one question, by profession, then the oldest first."""
    found = Reply.objects.filter(
        questionnaire=questionnaire, counted=True, answers__has_key=question
    )
    if profession:
        found = found.filter(profession=profession)
    return found.annotate(
        text=KeyTextTransform(question, "answers"), where=Coalesce("commune__name", "place")
    ).order_by("profession", "pk")


# --- What stays -----------------------------------------------------------------------------------


def as_kept(results: Results) -> dict[str, Any]:
    """The counts as they stay once the answers are deleted: nothing that names anybody."""

    def tally(one: Tally) -> list[Any]:
        interests = [one.interests[level] for level in INTERESTS]
        return [one.key, one.label, interests, one.outside, one.identified, one.solicited]

    return {
        "professions": [tally(one) for one in results.professions],
        "communes": [tally(one) for one in results.communes.values()],
        "missions": results.missions,
        "questions": results.questions,
        "all": tally(results.all),
        "anonymous": results.anonymous,
    }


def _from_kept(questionnaire: Questionnaire) -> Results:
    kept = questionnaire.kept_counts or {}

    def tally(one: list[Any]) -> Tally:
        key, label, interests, outside, identified, solicited = one
        counts = Counter({int(k): v for k, v in zip(INTERESTS, interests, strict=True)})
        return Tally(key, label, counts, outside, identified, solicited)

    return Results(
        professions=[tally(one) for one in kept["professions"]],
        communes={one[0]: tally(one) for one in kept["communes"]},
        missions=[(label, count) for label, count in kept["missions"]],
        questions=[
            (label, [(choice, count) for choice, count in choices])
            for label, choices in kept["questions"]
        ],
        all=tally(kept["all"]),
        anonymous=kept["anonymous"],
    )
