"""A questionnaire played over a real territory: hundreds of answers, then the letter they fill.

Each step calls the service that a page calls. The answers are drawn, always the same for the same
number: what the letter must say is known beforehand.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.utils import timezone

from accounts.models import User
from communities.models import Community
from desks.demo import make_accounts
from desks.play import CAST, SCENARIOS, Play
from letters.json_import import import_letter, read_json
from letters.models import LetterOfIntent
from mobilisation import answering, carrying, services
from mobilisation.links import new_mark, public_link, read_mark
from mobilisation.models import Questionnaire
from mobilisation.results import Results
from outbox.services import deliver_pending
from territories.models import Commune

ANSWERS: Final = 800
_URPS: Final = "urps-medecins-occitanie"
# How many of each profession the scenario counts: their answers keep these proportions.
_IDENTIFIED: Final = {
    "general_practitioners": 96, "specialists": 31, "nurses": 262, "biologists": 6,
    "pharmacists": 74, "physiotherapists": 158, "midwives": 23, "speech_therapists": 55,
    "orthoptists": 5, "dentists": 62, "podiatrists": 27, "other": 40,
}  # fmt: skip
_FIRST: Final = (
    *("Alix", "Camille", "Claude", "Dominique", "Élise", "Farid", "Gaëlle", "Hugo", "Inès"),
    *("Jean", "Karima", "Luc", "Maud", "Nadia", "Odile", "Paul", "Rémi", "Sofia", "Théo", "Zoé"),
)
_LAST: Final = (
    *("Amalric", "Barthès", "Cabrol", "Delmas", "Escande", "Fabre", "Galy", "Hérail", "Izard"),
    *("Julia", "Kahn", "Lacaze", "Marty", "Nègre", "Oulès", "Pagès", "Rieux", "Salvan"),
    *("Teyssier", "Vergnes"),
)
_TEXTS: Final = (
    "Les sorties d’hôpital du vendredi soir, sans ordonnance ni courrier.",
    "Six mois pour un fond d’œil, un an pour un rendez-vous de dermatologie.",
    "Personne ne reprend les patients du médecin parti en retraite.",
    '=HYPERLINK("https://exemple.test") : une formule, qui doit rester un texte.',
    "Un <b>lieu commun</b> pour se parler, sans logiciel de plus.",
    "Les soins à domicile le dimanche, toujours les deux mêmes infirmières.",
)


@dataclass(frozen=True)
class Played:
    """What the play made: the questionnaire, its counts, the letter it filled."""

    questionnaire: Questionnaire
    results: Results
    letter: LetterOfIntent


def play_questionnaire(
    say: Callable[[str], None], answers: int = ANSWERS, *, delivers: bool = True
) -> Played:
    """Play it on the communes of « Tarn Ouest ». Raises Organisation.DoesNotExist and PlayError.

    `delivers`: what follows each commit is done here, without waiting for a worker.
    """
    play = Play(say)
    make_accounts(CAST)
    letter = _draft()
    lead = User.objects.get(pk=letter.created_by_id)
    questionnaire = _opened(play, letter.community, lead)
    for number, values in enumerate(drawn_answers(questionnaire, answers), start=1):
        mark = read_mark(new_mark())
        assert mark  # noqa: S101 - sealed the line before
        answering.answer(questionnaire, values, form_mark=mark[0])
        if number % 200 == 0:
            say(f"  {number} réponses")
    services.write_counts(
        questionnaire, {key: (count, count) for key, count in _IDENTIFIED.items()}, by=lead
    )
    services.add_gathering(
        questionnaire,
        {
            "held_on": timezone.localdate() - timedelta(days=2),
            "place": "Lavaur, salle du Pastel",
            "invited": 406,
            "present": 61,
        },
        by=lead,
    )
    services.close_questionnaire(questionnaire, by=lead)
    questionnaire = Questionnaire.objects.select_related("community", "urps").get(
        pk=questionnaire.pk
    )
    proposal = carrying.proposal_for(questionnaire, letter)
    done = carrying.carry(
        questionnaire,
        letter,
        {part.key: part.revision for part in proposal.parts},
        with_annex=True,
        by=lead,
    )
    play.tell(lead, f"reprend dans la lettre : {', '.join(done)}.")
    if delivers:
        deliver_pending()
    return Played(questionnaire, proposal.results, letter)


def _draft() -> LetterOfIntent:
    """The letter of the scenario without what the questionnaire will write there."""
    told = read_json(SCENARIOS / "tarn-ouest.json")
    answers = told["answers"]
    title = f"{answers['title']}, questionnaire"
    same = Community.objects.filter(name__startswith=title).count()
    answers["title"] = f"{title} ({same + 1})" if same else title
    for key in ("contact_methodology", "meetings", "solicited_professionals"):
        answers.pop(key, None)
    told["attachments"] = [one for one in told["attachments"] if one["slot"] != "questionnaire"]
    return import_letter(told, folder=SCENARIOS).letter


def _opened(play: Play, community: Community, lead: User) -> Questionnaire:
    president = play.member(_URPS, "president")
    assert president.acting is not None  # noqa: S101 - `member` gives somebody in a role
    made = services.prepare_questionnaire(
        community,
        {
            "urps": president.acting.organisation,
            "closes_on": timezone.localdate() + timedelta(days=30),
            "message": "Merci de nous dire ce qui manque ici.",
            "own_questions": [],
        },
        by=lead,
    )
    services.submit_questionnaire(made, by=lead)
    play.tell(lead, "prépare un questionnaire et le soumet à l’URPS.")
    services.approve_questionnaire(made, by=president)
    play.tell(president, f"donne son accord : {public_link(made)}")
    return Questionnaire.objects.select_related("community", "urps").get(pk=made.pk)


def drawn_answers(questionnaire: Questionnaire, count: int) -> Iterator[dict[str, Any]]:
    """Answers as the form would give them, always the same for one territory and one number."""
    draw = random.Random(count)  # noqa: S311 - a story, not a secret
    model = questionnaire.model
    codes = [code for code, _ in services.communes_of(questionnaire.community)]
    people = dict(Commune.objects.filter(pk__in=codes).values_list("code", "population"))
    weights = [people[code] or 1 for code in codes]
    missions = [one.key for one in model.missions]
    difficulties = next(one for one in model.questions if one.key == "difficulties")
    together = next(one for one in model.questions if one.key == "cooperation")
    partners = [one.key for one in together.choices if one.key != "nobody"]
    professions = list(_IDENTIFIED)
    for rank in range(count):
        interest = draw.choices((1, 2, 3, 4), (30, 35, 28, 7))[0]
        # Some work beyond the territory, a few where no commune is known.
        where = draw.choices(("inside", "outside", "unknown"), (96, 3, 1))[0]
        first, last = draw.choice(_FIRST), draw.choice(_LAST)
        has_address = interest >= 3 or draw.random() < 0.3
        answers: dict[str, Any] = {
            "difficulties": draw.sample([c.key for c in difficulties.choices], draw.randint(0, 3)),
            "cooperation": draw.sample(partners, draw.randint(0, 2)) or ["nobody"],
        }
        if draw.random() < 0.25:
            answers["difficulties_text"] = draw.choice(_TEXTS)
        commune = {
            "inside": draw.choices(codes, weights)[0], "outside": "31555", "unknown": None
        }[where]  # fmt: skip
        yield {
            "profession": draw.choices(professions, list(_IDENTIFIED.values()))[0],
            "commune": Commune(code=commune) if commune else None,
            "place": "" if commune else "Remplaçant, sans lieu fixe",
            "interest": interest,
            "missions": draw.sample(missions, draw.randint(0, 3)),
            "answers": {key: value for key, value in answers.items() if value},
            "last_name": last if has_address else "",
            "first_name": first if has_address else "",
            "email": f"{rank}.{questionnaire.code}@exemple.test" if has_address else "",
            "phone": "",
            "structure": draw.choice(("", "", "Maison de santé des Rives de l’Agout")),
            "may_contact": has_address,
            "may_name": interest >= 3 and draw.random() < 0.4,
        }
