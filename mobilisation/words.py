"""What a questionnaire says of itself in the letter: method, meetings, counts, as sentences."""

from collections.abc import Iterable

from django.utils import timezone

from cpts_portal.words import NBSP, day, figure, the_body
from mobilisation.models import Gathering, Questionnaire
from mobilisation.results import Results


def methodology_of(questionnaire: Questionnaire, results: Results) -> str:
    """How the professionals were reached, in the team's words, or as the portal knows it."""
    return questionnaire.methodology or proposed_methodology(questionnaire, results)


def proposed_methodology(questionnaire: Questionnaire, results: Results) -> str:
    """The sentences the portal proposes, from what it saw."""
    opened = questionnaire.opened_at
    said = [
        f"Questionnaire ouvert avec {the_body(questionnaire.urps.name)}"
        + (f" le {day(timezone.localtime(opened).date())}" if opened else "")
        + ", par une adresse courte et une affiche, sans compte à créer."
    ]
    mailed = sum(one.solicited or 0 for one in results.professions)
    if mailed:
        people = "professionnels sollicités" if mailed > 1 else "professionnel sollicité"
        said.append(f"{figure(mailed)} {people} par courriel ou autrement.")
    answers = "réponses reçues" if results.all.total > 1 else "réponse reçue"
    line = f"{figure(results.all.total)} {answers} du territoire"
    if results.all.outside:
        line += f", et {figure(results.all.outside)} d’ailleurs, comptées à part"
    joining = "souhaitent" if results.all.willing > 1 else "souhaite"
    said.append(f"{line}{NBSP}; {figure(results.all.willing)} {joining} prendre part au projet.")
    return " ".join(said)


def meetings_of(gatherings: Iterable[Gathering]) -> str:
    """One line a meeting, as the letter asks it."""
    return "\n".join(gathering_line(one) for one in gatherings)


def gathering_line(one: Gathering) -> str:
    """« 3 mars 2026, Lavaur, salle du Pastel : 406 invitations, 61 présents. »"""
    invitations = "invitations" if one.invited > 1 else "invitation"
    present = "présents" if one.present > 1 else "présent"
    return (
        f"{day(one.held_on)}, {one.place}{NBSP}: {figure(one.invited)} {invitations}, "
        f"{figure(one.present)} {present}."
    )


def counts_in_words(results: Results) -> str:
    """The table of the letter as lines, where its form has no such table."""
    return "\n".join(
        f"{one.label}{NBSP}: {_known(one.identified)} identifiés, {_known(one.solicited)} "
        f"sollicités, {one.willing} souhaitant participer"
        for one in results.professions
        if one.identified or one.solicited or one.willing
    )


def _known(count: int | None) -> str:
    return "?" if count is None else figure(count)
