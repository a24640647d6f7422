"""What the opinions on a case amount to: a table by body, reserves merged, and a text."""

import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import Organisation, User
from cpts_portal.words import of_body
from outbox.services import publish
from procedures.circuit import Circuit
from workflow import opinion_rules as rules
from workflow.consultations import circuit_of
from workflow.models import Case, Consultation, Opinion, Synthesis
from workflow.opinion_content import handover_content
from workflow.opinion_states import ConsultationState
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError
from workflow.states import CaseState

LONGEST_SYNTHESIS: Final = 30_000


@dataclass(frozen=True)
class MarkLine:
    """A criterion as a body judged it, in words."""

    criterion: str
    mark: str
    comment: str


@dataclass(frozen=True)
class BodyLine:
    """A body in the table: what it answered, or why it did not."""

    body: str
    # The position in words, or what stands in its place: « Sans avis », « Avis attendu »…
    outcome: str
    is_counted: bool = False
    is_late: bool = False
    on_older_version: bool = False
    communicable: bool = False
    given_on: str = ""
    text: str = ""
    marks: list[MarkLine] = field(default_factory=list)
    reserves: list[str] = field(default_factory=list)


@dataclass
class Reserve:
    """A reserve, and the bodies that make it."""

    text: str
    bodies: list[str]


def opinion_table(case: Case) -> list[BodyLine]:
    """One line for each body whose opinion is or was awaited, in two queries."""
    circuit = circuit_of(case)
    opinions = {
        one.consultation_id: one
        for one in Opinion.objects.current().filter(consultation__case=case)
    }
    expected = case.consultations.live().filter(kind=Consultation.Kind.EXPECTED)
    return [
        _line(one, opinions.get(one.pk), case, circuit) for one in expected.select_related("body")
    ]


def _line(
    consultation: Consultation, opinion: Opinion | None, case: Case, circuit: Circuit
) -> BodyLine:
    body = consultation.body.name
    if opinion is None or opinion.validated_at is None:
        return BodyLine(body, outcome_without_opinion(consultation))
    return BodyLine(
        body,
        opinion.get_position_display(),
        is_counted=opinion.is_counted,
        is_late=opinion.is_late,
        on_older_version=opinion.is_on_older_version(case),
        communicable=opinion.communicable,
        given_on=timezone.localdate(opinion.validated_at).isoformat(),
        text=opinion.text,
        marks=_marks(opinion, consultation, circuit),
        reserves=list(opinion.reserves),
    )


def outcome_without_opinion(consultation: Consultation) -> str:
    """What stands in the table where a body has given no opinion."""
    if consultation.state == ConsultationState.SILENT:
        return Consultation.Silence(consultation.silence).label
    if consultation.state == ConsultationState.WAITING:
        return "Avis à demander"
    return "Avis attendu"


def _marks(opinion: Opinion, consultation: Consultation, circuit: Circuit) -> list[MarkLine]:
    if not consultation.grid:
        return []
    grid = circuit.grid(consultation.grid)
    lines = []
    for criterion in grid.criteria:
        entry = opinion.marks.get(criterion.key)
        if entry:
            mark = grid.mark(entry["mark"]) if entry["mark"] is not None else None
            lines.append(MarkLine(criterion.label, mark.label if mark else "", entry["comment"]))
    return lines


def merged_reserves(lines: Iterable[BodyLine]) -> list[Reserve]:
    """The reserves of the opinions that count, each once, with the bodies that make it.

    Two reserves are one when only capitals, accents, spaces or a final point differ.
    """
    merged: dict[str, Reserve] = {}
    for line in lines:
        if not line.is_counted:
            continue
        for text in line.reserves:
            reserve = merged.setdefault(_sameness(text), Reserve(text, []))
            if line.body not in reserve.bodies:
                reserve.bodies.append(line.body)
    return list(merged.values())


def _sameness(text: str) -> str:
    bare = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(char for char in bare if not unicodedata.combining(char))
    return " ".join(bare.replace("’", "'").split()).rstrip(" .;,")


@transaction.atomic
def save_synthesis(case: Case, *, user: User, text: str, base_revision: int) -> Synthesis:
    """Write the synthesis, while the opinions come in; 0 starts it.

    Raises PermissionDenied, or ActionRefusedError with the sentence to show.
    """
    Case.objects.select_for_update().get(pk=case.pk)
    case = Case.objects.get(pk=case.pk)
    if not rules.may_follow_consultations(case, user):
        raise PermissionDenied("Seul le bureau en charge écrit la synthèse des avis.")
    still_holds_their_role(user)
    if case.state != CaseState.IN_CONSULTATION or case.office_id is None:
        raise ActionRefusedError(
            "La synthèse s’écrit pendant que les avis sont demandés : ce dossier n’y est pas."
        )
    text = text.replace("\0", "").strip()
    if len(text) > LONGEST_SYNTHESIS:
        raise ActionRefusedError(
            f"La synthèse compte {len(text)} caractères ; elle en accepte {LONGEST_SYNTHESIS} au "
            "plus. Raccourcissez-la."
        )
    synthesis = Synthesis.objects.filter(case=case).select_related("written_by").first()
    if base_revision != (synthesis.revision if synthesis else 0):
        who = synthesis.written_by if synthesis else "une autre personne"
        raise ActionRefusedError(
            f"La synthèse a été modifiée par {who} pendant que vous l’aviez sous les yeux. Rien "
            "n’a été enregistré : relisez-la telle qu’elle est maintenant, puis recommencez."
        )
    if synthesis is None:
        synthesis = Synthesis(case=case, office_id=case.office_id, revision=0)
    synthesis.text = text
    synthesis.revision += 1
    synthesis.written_by = user
    synthesis.written_at = timezone.now()
    synthesis.save()
    return synthesis


def missing_before_handover(case: Case, *, needs_text: bool) -> list[str]:
    """What keeps the opinions from being closed, as sentences. Empty: nothing does."""
    missing = [
        f"L’avis {of_body(one.body.name)} est attendu {_until(one)} : attendez-le, relancez "
        "l’organisme ou retirez la demande."
        for one in case.consultations.awaited()
        .filter(kind=Consultation.Kind.EXPECTED)
        .select_related("body")
    ]
    if needs_text and not Synthesis.objects.filter(case=case).exclude(text="").exists():
        missing.append("Écrivez la synthèse des avis : elle accompagne le dossier.")
    return missing


def _until(consultation: Consultation) -> str:
    if consultation.due_on is None:
        return "à une étape suivante"
    return f"jusqu’au {consultation.due_on:%d/%m/%Y}"


def close_synthesis(case: Case, *, office_id: int, actor: User) -> Synthesis:
    """Freeze the table and the reserves as they stand, for the office that hands them over.

    The caller holds the lock on the case.
    """
    lines = opinion_table(case)
    synthesis = Synthesis.objects.filter(case=case).first() or Synthesis(
        case=case, office_id=office_id, written_by=actor
    )
    now = timezone.now()
    office = Organisation.objects.get(pk=office_id)
    synthesis.content = {
        **handover_content(case, office=office.name, actor=actor, at=now),
        "lines": [asdict(line) for line in lines],
        "reserves": [asdict(reserve) for reserve in merged_reserves(lines)],
        "text": synthesis.text,
    }
    synthesis.transmitted_at = now
    synthesis.transmitted_by = actor
    synthesis.save()
    publish("workflow.synthesis_transmitted", key=str(synthesis.pk), synthesis_id=synthesis.pk)
    return synthesis


def as_table(content: dict[str, Any]) -> list[BodyLine]:
    """The frozen table of a transmitted synthesis."""
    return [
        BodyLine(**{**line, "marks": [MarkLine(**mark) for mark in line["marks"]]})
        for line in content["lines"]
    ]
