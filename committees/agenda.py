"""The agenda of a session: what a committee is asked about, and its other questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils import timezone

from accounts.models import Organisation
from committees.models import Item, Session
from workflow.models import Consultation
from workflow.opinion_states import ConsultationState
from workflow.services import ActionRefusedError

MOST_QUESTIONS: Final = 20
MOST_CASES: Final = 60
LONGEST_TITLE: Final = 300


@dataclass(frozen=True)
class Ready:
    """A case the committee may put on an agenda."""

    consultation: Consultation
    title: str
    # The opinion is awaited before the session takes place.
    is_due_before: bool


def title_of(consultation: Consultation) -> str:
    """« CPTS Erdre et Cens (PS-52-2027-0003) »."""
    return f"{consultation.case.title} ({consultation.case.reference})"[:LONGEST_TITLE]


def ready_cases(body: Organisation, session: Session | None = None) -> list[Ready]:
    """The opinions asked of a committee and not given, the first awaited first.

    What stands on the agenda of another session to come is left out; a late opinion is not.
    """
    asked = (
        Consultation.objects.filter(
            body=body,
            kind=Consultation.Kind.EXPECTED,
            state__in=(ConsultationState.REQUESTED, ConsultationState.SILENT),
        )
        .exclude(opinions__is_current=True, opinions__validated_at__isnull=False)
        .select_related("case")
        .order_by("due_on", "pk")
    )
    elsewhere = Item.objects.filter(
        session__body=body, session__cancelled_at=None, session__closed_at=None
    ).exclude(consultation=None)
    if session is not None:
        elsewhere = elsewhere.exclude(session=session)
    taken = set(elsewhere.values_list("consultation_id", flat=True))
    day = timezone.localdate(session.starts_at) if session else None
    return [
        Ready(
            consultation=one,
            title=title_of(one),
            is_due_before=bool(day and one.due_on and one.due_on < day),
        )
        for one in asked
        if one.pk not in taken
    ]


def write_agenda(
    session: Session, *, consultations: Sequence[Consultation], questions: Sequence[str]
) -> None:
    """Put these cases, then these questions, on the agenda, in this order.

    The caller holds the lock on the session and has checked who acts. Raises ActionRefusedError
    with the sentence to show.
    """
    titles = [" ".join(one.replace("\0", "").split()) for one in questions]
    titles = list(dict.fromkeys(title for title in titles if title))
    if len(titles) > MOST_QUESTIONS:
        raise ActionRefusedError(
            f"{MOST_QUESTIONS} autres points au plus : réunissez-en quelques-uns."
        )
    if long := next((title for title in titles if len(title) > LONGEST_TITLE), ""):
        raise ActionRefusedError(
            f"Un point compte {len(long)} caractères ; il en accepte {LONGEST_TITLE} au plus. "
            "Raccourcissez-le : le relevé des échanges dira le reste."
        )
    if len(consultations) > MOST_CASES:
        raise ActionRefusedError(f"{MOST_CASES} dossiers au plus par séance : prévoyez-en deux.")
    offered = {one.consultation.pk for one in ready_cases(session.body, session)}
    if lost := [one for one in consultations if one.pk not in offered]:
        raise ActionRefusedError(
            f"« {title_of(lost[0])} » ne peut plus être mis à l’ordre du jour : l’avis est rendu, "
            "n’est plus demandé, ou le dossier est prévu à une autre séance. Rechargez la page."
        )
    session.items.all().delete()
    Item.objects.bulk_create(
        Item(session=session, rank=rank, consultation=consultation, title=title)
        for rank, (consultation, title) in enumerate(
            [
                *((one, title_of(one)) for one in consultations),
                *((None, title) for title in titles),
            ],
            start=1,
        )
    )
