"""What follows a decision, in the story of a case: reserves, aids, meetings, arbitrations.

Its readers are those of the tab « Suites »: the team and the offices that have the case, never
the bodies asked for an opinion.
"""

from django.db.models import Q

from cpts_portal.words import NBSP, day_and_hour
from workflow.followup_rules import DECIDED
from workflow.grants import euros
from workflow.models import Arbitration, Case, Grant, InformationMeeting, Reserve
from workflow.readers import Audience, Reader
from workflow.timeline import Line, tells

_DESKS = Audience.DESKS


@tells()
def reserves(case: Case, _reader: Reader) -> list[Line]:
    """What a decision set as conditions, what the team answered, and what lifted each of them."""
    lines = []
    found = list(Reserve.objects.filter(case_id=case.pk).select_related("body"))
    for decision in dict.fromkeys(one.decision_id for one in found):
        set_by = [one for one in found if one.decision_id == decision]
        count = f"{len(set_by)}{NBSP}réserve{'s' if len(set_by) > 1 else ''}"
        lines.append(Line(set_by[0].opened_at, f"La décision énonce {count} à lever", _DESKS))
    for one in found:
        name = f"réserve n°{NBSP}{one.rank}"
        by = f", {one.body.name}" if one.body else ""
        told = [
            (one.answered_at, f"Réponse de l’équipe à la {name}", one.answer),
            (one.declined_at, f"Réponse à la {name} jugée insuffisante", one.decline_reason),
            (one.lifted_at, f"R{name[1:]} levée{by}", one.proof),
        ]
        lines += [
            Line(at, label, _DESKS, detail=detail, detail_audience=_DESKS)
            for at, label, detail in told
            if at
        ]
    return lines


@tells()
def aids(case: Case, _reader: Reader) -> list[Line]:
    """What was granted and paid. Until the case is accepted, only the office knows of it."""
    audience = _DESKS if case.state in DECIDED else Audience.OFFICE
    lines = []
    for one in Grant.objects.filter(case_id=case.pk):
        what = f"{one.label}, {euros(one.amount)}"
        told = [
            (one.granted_on, f"Aide accordée{NBSP}: {what}", one.deviation),
            (one.paid_on, f"Aide versée{NBSP}: {what}", ""),
            (one.cancelled_at, f"Aide annulée{NBSP}: {what}", one.cancel_reason),
        ]
        lines += [
            Line(at, label, audience, detail=detail, detail_audience=audience)
            for at, label, detail in told
            if at
        ]
    return lines


@tells()
def information_meetings(case: Case, _reader: Reader) -> list[Line]:
    """The last call of each meeting, then whether it was held; the guests are named nowhere."""
    lines = []
    for one in InformationMeeting.objects.filter(case_id=case.pk):
        meeting, day = "Réunion d’information du territoire", day_and_hour(one.starts_at)
        told = [
            (one.called_at, f"{meeting}{NBSP}: invitations pour le {day}", ""),
            (one.cancelled_at, f"{meeting} annulée", one.cancel_reason),
            (one.held_on, f"{meeting} tenue", ""),
        ]
        lines += [
            Line(at, label, _DESKS, detail=detail, detail_audience=_DESKS)
            for at, label, detail in told
            if at
        ]
    return lines


@tells()
def arbitrations(case: Case, _reader: Reader) -> list[Line]:
    """What was settled with another CPTS, without its name: it may be on another desk.

    The team reads of it in the decision. The office that wrote it reads it on both cases.
    """
    found = Arbitration.objects.filter(Q(case_id=case.pk) | Q(other_id=case.pk))
    lines = []
    for one in found:
        count = len(one.communes)
        where = f"{count}{NBSP}commune{'s' if count > 1 else ''}"
        settled = f"Chevauchement arbitré avec une autre CPTS, sur {where}"
        label = f"{settled}{NBSP}: {_outcome(one, case)}"
        lines.append(
            Line(one.at, label, Audience.OFFICE, frozenset({one.body_id}), detail=one.reason)
        )
    return lines


def _outcome(arbitration: Arbitration, case: Case) -> str:
    if arbitration.given_to_id is None:
        return arbitration.get_outcome_display().lower()
    to_this = arbitration.given_to_id == case.pk
    return "rattachement à la CPTS de ce dossier" if to_this else "rattachement à l’autre CPTS"
