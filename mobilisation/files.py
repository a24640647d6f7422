"""The answers as a file, for a spreadsheet that computes nothing of what people wrote."""

from collections.abc import Iterator

from mobilisation.answering import said_of
from mobilisation.models import Questionnaire, Reply
from mobilisation.services import communes_of

_PERSON = ("Nom", "Prénom", "Adresse électronique", "Téléphone", "Structure")


def headings(questionnaire: Questionnaire, *, with_people: bool) -> list[str]:
    """The titles of the columns. `with_people`: those of the persons who accept it too."""
    return [
        *("Profession", "Lieu d’exercice", "Dans le territoire", "Intérêt", "Missions"),
        *(one.label for one in questionnaire.questions),
        *((*_PERSON, "Accepte d’être nommé dans la lettre") if with_people else ()),
    ]


def lines(questionnaire: Questionnaire, *, with_people: bool) -> Iterator[list[str]]:
    """One line an answer, the oldest first. Who did not accept to be contacted is unnamed."""
    model, questions = questionnaire.model, questionnaire.questions
    inside = {code for code, _ in communes_of(questionnaire.community)}
    rows = Reply.objects.filter(questionnaire=questionnaire, counted=True)
    for one in rows.select_related("commune").order_by("pk").iterator(chunk_size=500):
        line = [
            model.profession(one.profession),
            one.commune.name if one.commune else one.place,
            "Oui" if one.commune_id in inside else "Non",
            str(one.get_interest_display()),
            ", ".join(m.label for m in model.missions if m.key in one.missions),
            *(said_of(question, one.answers.get(question.key)) for question in questions),
        ]
        if with_people:
            line += person_of(one)
        yield line


def person_of(reply: Reply) -> list[str]:
    """Who answered, when they accept to be contacted, or named; else nothing."""
    may_name = "Oui" if reply.may_name else "Non"
    name = [reply.last_name, reply.first_name]
    if reply.may_contact:
        return [*name, reply.email, reply.phone, reply.structure, may_name]
    if reply.may_name:
        return [*name, "", "", reply.structure, may_name]
    return ["", "", "", "", "", may_name]
