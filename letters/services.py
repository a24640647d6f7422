"""Writing a letter of intent, and depositing it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import Organisation, User
from accounts.organisations import office_for, offices_for, one_stop_desk, regional_agency
from communities.models import Community, TeamMember
from communities.services import create_community
from documents.models import Attachment
from documents.services import FileRefusedError, store_attachment
from letters import rules
from letters.buffer import Buffer, buffered_file, read_buffer
from letters.content import LetterContent, procedure_of, read_content, territory_of
from letters.files import held_files
from letters.models import LetterOfIntent
from outbox.services import publish
from procedures import answers as answer_rules
from procedures import registry
from procedures.schema import AttachmentSlot, Field, FieldKind, Procedure, Section
from territories.models import Region
from territories.population import DepartmentShare, TerritorySummary
from territories.services import territory_as_data
from workflow.clock import ClockRule, EventKind, Silence
from workflow.clock_rules import declare_clock
from workflow.effects import prepares, records
from workflow.models import (
    Answer,
    BufferedFile,
    Case,
    CaseAttachment,
    CaseDesk,
    TransitionLog,
)
from workflow.services import (
    ActionRefusedError,
    already_done,
    clock_of,
    freeze,
    next_reference,
    perform,
    record_clock_event,
)

KIND = Case.Kind.LETTER_OF_INTENT


def legal_period(case: Case) -> ClockRule:
    """The period of the procedure the letter began with, and what silence then means."""
    period = registry.get(case.procedure_key, case.procedure_version).circuit.period
    return ClockRule(months=period.months, silence=Silence(period.silence))


declare_clock(KIND, legal_period, page="letters:detail")


@dataclass(frozen=True)
class Saved:
    """A field was written; `problems` are sentences about what it holds now."""

    revision: int
    problems: list[str]


@dataclass(frozen=True)
class Conflict:
    """Somebody else changed the field meanwhile: nothing was written, both texts are shown."""

    revision: int
    value: Any
    changed_by: str
    changed_at: Any


def create_letter(*, name: str, region: Region, user: User) -> LetterOfIntent:
    """Start a CPTS and its letter of intent, under the region's current procedure."""
    community = create_community(name=name, region=region, user=user)
    return open_letter(community, user=user)


@transaction.atomic
def open_letter(community: Community, *, user: User) -> LetterOfIntent:
    """Open the letter of a CPTS, with what the portal knows already written in it."""
    procedure = registry.for_region(community.region_id)
    letter = LetterOfIntent.objects.create(
        kind=KIND,
        community=community,
        title=community.name,
        region_id=community.region_id,
        procedure_key=procedure.key,
        procedure_version=procedure.version,
        created_by=user,
    )
    known = {
        "title": community.name,
        "contact_name": user.get_full_name(),
        "contact_profession": user.profession,
        "contact_email": user.email,
    }
    Answer.objects.bulk_create(
        Answer(case_id=letter.pk, key=key, value=value, updated_by=user)
        for key, value in known.items()
        if value and any(field.key == key for field in procedure.answer_fields)
    )
    return letter


def save_answer(
    letter: LetterOfIntent, field: Field, raw: Any, *, user: User, base_revision: int | None
) -> Saved | Conflict:
    """Write one field of a draft, in one statement, unless somebody changed it meanwhile.

    `base_revision` is the revision the person started from: 0 for a field they saw empty,
    None to write over whatever is there (« garder ma version »). The caller holds the lock on
    the case, so that nothing is written behind a deposit's back.

    Raises ActionRefusedError when the value is larger than a draft may hold.
    """
    refusals = answer_rules.hard_limits(field, raw)
    if refusals:
        raise ActionRefusedError(" ".join(refusal.sentence for refusal in refusals))
    value = answer_rules.normalise(field, raw)
    # A name that is being completed is the CPTS's once it is deposited.
    renames = field.key == "title" and letter.buffer is None
    name = _new_name(letter, value) if renames else ""
    revision = _upsert(letter, field.key, value, user.pk, base_revision, name=name)
    if revision is None:
        current = (
            letter.buffer.items[field.key]
            if letter.buffer
            else letter.answers.select_related("updated_by").get(key=field.key)
        )
        if current.value == value:
            return Saved(current.revision, _sentences(field, value))
        return Conflict(
            current.revision, current.value, str(current.updated_by), current.updated_at
        )
    if name:
        letter.title = letter.community.name = name
    return Saved(revision, _sentences(field, value))


def _sentences(field: Field, value: Any) -> list[str]:
    """Problems of what was written; an empty field is not a problem while drafting."""
    return [p.sentence for p in answer_rules.problems(field, value, required=False)]


_UPSERT = """
    INSERT INTO workflow_answer AS answer (case_id, key, value, revision, updated_at, updated_by_id)
    VALUES (%(case)s, %(key)s, %(value)s, 1, %(now)s, %(user)s)
    ON CONFLICT (case_id, key) DO UPDATE
       SET value = EXCLUDED.value,
           revision = answer.revision + 1,
           updated_at = EXCLUDED.updated_at,
           updated_by_id = EXCLUDED.updated_by_id
     WHERE %(base)s::integer IS NULL OR answer.revision = %(base)s::integer
    RETURNING revision
"""


# The CPTS and the lists bear the name the letter gives: written with it, or not at all.
_UPSERT_AND_RENAME = f"""
    WITH saved AS ({_UPSERT}),
         community AS (
             UPDATE communities_community SET name = %(name)s
              WHERE id = %(community)s AND EXISTS (SELECT FROM saved)
         ),
         named_case AS (
             UPDATE workflow_case SET title = %(name)s
              WHERE id = %(case)s AND EXISTS (SELECT FROM saved)
         )
    SELECT revision FROM saved
"""  # noqa: S608 - made of two constants


def _upsert(
    letter: LetterOfIntent, key: str, value: Any, user_id: int, base: int | None, *, name: str = ""
) -> int | None:
    """The new revision, or None when the row no longer is at `base`. `name` renames the CPTS."""
    if letter.buffer is not None:
        return letter.buffer.write(key, value, user_id=user_id, base=base)
    with connection.cursor() as cursor:
        cursor.execute(
            _UPSERT_AND_RENAME if name else _UPSERT,
            {
                "case": letter.pk,
                "community": letter.community_id,
                "key": key,
                "value": json.dumps(value, cls=DjangoJSONEncoder),
                "now": timezone.now(),
                "user": user_id,
                "base": base,
                "name": name,
            },
        )
        row = cursor.fetchone()
    return row[0] if row else None


def store_answer(
    letter: LetterOfIntent, key: str, value: Any, field: Field | None, *, user: User
) -> None:
    """Write over one answer of a letter that is deposited again. The caller holds the lock."""
    name = _new_name(letter, value) if field is not None and key == "title" else ""
    _upsert(letter, key, value, user.pk, None, name=name)
    if name:
        letter.title = letter.community.name = name


def _new_name(letter: LetterOfIntent, value: Any) -> str:
    """The name the CPTS takes from the letter's own field; empty when it keeps the one it has."""
    name = " ".join(value.split())[:200] if isinstance(value, str) else ""
    return name if name != letter.title else ""


def slot_of(letter: LetterOfIntent, key: str) -> AttachmentSlot | None:
    return next((s for s in procedure_of(letter).attachments if s.key == key), None)


@transaction.atomic
def attach(
    letter: LetterOfIntent, slot: AttachmentSlot, file: UploadedFile, *, user: User
) -> CaseAttachment | BufferedFile:
    """Add a file to its slot. Raises FileRefusedError when it cannot be kept there."""
    Case.objects.select_for_update().get(pk=letter.pk)
    if sum(file.slot == slot.key for file in held_files(letter)) >= slot.max_files:
        raise FileRefusedError(
            f"« {slot.label} » accepte {slot.max_files} fichier(s) au plus. "
            "Retirez-en un avant d’en ajouter un autre."
        )
    attachment = store_attachment(
        file, content_types=slot.content_types, accept_label=slot.accept_label, user=user
    )
    if letter.buffer is not None:
        buffered = letter.buffer.items[slot.key].files.create(attachment=attachment)
        letter.buffer = read_buffer(letter)
        return buffered
    here = letter.attachments.filter(slot=slot.key)
    last = here.aggregate(last=Max("position"))["last"] or 0
    return CaseAttachment.objects.create(
        case_id=letter.pk, attachment=attachment, slot=slot.key, position=last + 1
    )


@transaction.atomic
def detach(letter: LetterOfIntent, attachment: Attachment) -> None:
    """Remove a file from a draft, and the stored bytes once the removal has committed.

    What was deposited is kept for whoever reads that version: it is only set aside.
    """
    if letter.buffer is not None:
        buffered = buffered_file(letter, attachment.pk)
        if buffered is None:
            _set_aside(letter.buffer, attachment)
            return
        buffered.delete()
    else:
        letter.attachments.get(attachment=attachment).delete()
    attachment.delete()
    transaction.on_commit(lambda: attachment.file.delete(save=False))


def _set_aside(buffer: Buffer, attachment: Attachment) -> None:
    slot = CaseAttachment.objects.values_list("slot", flat=True).get(attachment=attachment)
    item = buffer.items[slot]
    if attachment.pk not in item.removed:
        item.removed = [*item.removed, attachment.pk]
        item.save(update_fields=["removed"])


def defer_attachment(
    letter: LetterOfIntent, slot: AttachmentSlot, reason: str, *, user: User
) -> None:
    """Announce a piece as « à venir », with the reason; an empty one withdraws it.

    Raises ActionRefusedError when the piece cannot come later, or the reason is too long.
    """
    if not slot.deferrable:
        raise ActionRefusedError(
            f"« {slot.label} » ne peut pas être annoncée comme à venir : joignez le fichier."
        )
    field = Field(key=slot.key, kind=FieldKind.ATTACHMENT, label=slot.label)
    given = {"deferred": "yes" if reason.strip() else "", "reason": reason.strip()}
    refusals = answer_rules.problems(
        field, value := answer_rules.normalise(field, given), required=False
    )
    if refusals:
        raise ActionRefusedError(" ".join(refusal.sentence for refusal in refusals))
    _upsert(letter, slot.key, value, user.pk, None)


# --- Depositing -------------------------------------------------------------------------


def deposit(
    letter: LetterOfIntent, *, actor: User, commits: bool, signatory_name: str, place: str
) -> TransitionLog:
    """File the letter: what the button does, and what the command does.

    Raises ActionRefusedError when the commitment, the name or the place is missing, and
    whatever `perform()` raises.
    """
    if letter.is_deposited:
        raise already_done(letter)
    if not rules.may_deposit(letter, actor):
        raise PermissionDenied("Seul un responsable de la CPTS dépose la lettre, en son nom.")
    signatory_name, place = signatory_name.strip(), place.strip()
    if not commits:
        raise ActionRefusedError(
            "Cochez l’engagement à travailler sur les missions : sans lui, la lettre ne peut pas "
            "être déposée (instruction DGOS/DIR/CNAM/2019/218)."
        )
    if not signatory_name or not place:
        raise ActionRefusedError(
            "Écrivez le nom du référent et le lieu : ils tiennent lieu de signature."
        )
    return perform(
        letter,
        "deposit",
        actor=actor,
        commits_to_missions=True,
        signatory_name=signatory_name[:150],
        signed_at_place=place[:100],
    )


@prepares(KIND, "deposit")
def number_and_route(letter: LetterOfIntent, *, actor: User, **_data: Any) -> dict[str, Any]:  # noqa: ARG001
    """Find the desk, measure the territory and take the next number, under the case's lock."""
    content = read_content(letter)
    territory = content.territory
    office = office_in_charge(content.procedure, letter.region_id, territory.departments)
    return {
        "office_id": office.pk,
        "reference": next_reference(content.procedure.reference_prefix, letter.region_id),
        "population": territory.population,
        "commune_count": territory.commune_count,
        "size_class": territory.size_class,
        "department_codes": list(territory.department_codes),
    }


def office_in_charge(
    procedure: Procedure, region_code: str, departments: Sequence[DepartmentShare]
) -> Organisation:
    """The desk that receives the letter: the procedure says which kind, the territory which one.

    `departments` begin with the most inhabited. The first one in the letter's region leads:
    a letter follows the circuit of its own region, even where more people live beyond it.
    """
    match procedure.addressee.kind:
        case "one_stop_desk":
            return one_stop_desk(region_code)
        case "ars":
            return regional_agency(region_code)
        case _:
            inside = [share.code for share in departments if share.region_code == region_code]
            return office_for(region_code, inside[0])


@records(KIND, "deposit")
def freeze_and_route(letter: LetterOfIntent, *, log: TransitionLog, actor: User) -> None:
    """Start the clock, freeze the content, open the desks, and leave the worker its work.

    The period runs from the first reception, by whatever administration (CRPA, L. 114-3).
    Asking for the opinions is a work of its own: a PDF that fails does not hold it up.
    """
    record_clock_event(
        letter,
        EventKind.START,
        effective_on=timezone.localdate(letter.deposited_at),
        actor=None,
        reason="Réception de la lettre sur le portail.",
    )
    freeze(letter, deposited_content(letter, log=log), actor=actor)
    informed = {desk.pk for desk in informed_desks(procedure_of(letter), letter)}
    office = cast(Organisation, letter.office)
    informed.discard(office.pk)
    CaseDesk.objects.bulk_create(
        [
            CaseDesk(case_id=letter.pk, organisation=office, kind=CaseDesk.Kind.IN_CHARGE),
            *(
                CaseDesk(case_id=letter.pk, organisation_id=pk, kind=CaseDesk.Kind.INFORMED)
                for pk in sorted(informed)
            ),
        ]
    )
    publish("letters.deposited", key=f"{letter.pk}:{letter.version}", log_id=log.pk)
    if procedure_of(letter).circuit.consultations:
        publish("letters.consult", key=str(letter.pk), letter_id=letter.pk)


def informed_desks(procedure: Procedure, letter: LetterOfIntent) -> list[Organisation]:
    """Who sees the letter besides the desk in charge.

    The regional agency and the office of each département the territory touches, in every
    region it touches, and whatever else the procedure names.
    """
    desks: list[Organisation] = []
    for region_code in _regions_of(letter):
        desks += [
            regional_agency(region_code),
            *offices_for(region_code, letter.department_codes),
        ]
    if any(desk.kind == "one_stop_desk" for desk in procedure.informed):
        desks.append(one_stop_desk(letter.region_id))
    return desks


def _regions_of(letter: LetterOfIntent) -> list[str]:
    # An overseas collectivity has no agency of its own: that of its neighbour serves it.
    codes = Region.objects.filter(departments__code__in=letter.department_codes, has_ars=True)
    return sorted({letter.region_id, *codes.values_list("code", flat=True)})


def deposited_content(letter: LetterOfIntent, *, log: TransitionLog) -> dict[str, Any]:
    """Everything the letter says, labels included: the official documents need nothing else."""
    content = read_content(letter)
    community = letter.community
    kept = territory_kept(letter, content) or {}
    return (
        letter_content(letter, content)
        | kept
        | {
            "reference": letter.reference,
            "version": letter.version,
            "deposited_at": letter.deposited_at,
            "silence_date": silence_date(letter),
            "office": _office_as_data(cast(Organisation, letter.office)),
            "signature": {
                "name": letter.signatory_name,
                "place": letter.signed_at_place,
                "date": timezone.localdate(letter.deposited_at),
                "commitment": content.procedure.commitment,
                "account": str(log.actor),
            },
            "team": [
                {"name": str(member.user), "email": member.user.email, "role": member.role}
                for member in community.team_members.select_related("user")
            ],
        }
    )


def territory_kept(letter: LetterOfIntent, content: LetterContent) -> dict[str, Any] | None:
    """The communes and figures of the deposit before, where a new year was not accepted since.

    A letter whose territory was not to be completed is deposited again as it was: communes that
    have merged meanwhile would count twice. None for a first deposit, and in the same year.
    """
    if not content.territory.is_behind:
        return None
    before = letter.snapshots.order_by("-version").first()
    return {key: before.content[key] for key in ("territory", "summary")} if before else None


def letter_content(letter: LetterOfIntent, content: LetterContent) -> dict[str, Any]:
    """What the draft says now, in the shape documents are made from."""
    procedure = content.procedure
    return {
        "kind": letter.kind,
        "title": letter.title,
        "region": {"code": letter.region_id, "name": letter.region.name},
        "procedure": {
            "key": procedure.key,
            "version": procedure.version,
            "label": procedure.label,
        },
        "sections": [_section_as_data(section, content) for section in procedure.sections],
        **beside_answers(letter, content),
    }


def beside_answers(letter: LetterOfIntent, content: LetterContent) -> dict[str, Any]:
    """What a letter says besides its answers: its communes, their figures, its files."""
    return {
        "territory": territory_as_data(territory_of(letter)),
        "summary": summary_as_data(content.territory),
        "attachments": _attachments_as_data(letter, content),
    }


def _section_as_data(section: Section, content: LetterContent) -> dict[str, Any]:
    return {
        "key": section.key,
        "title": section.title,
        "heading": section.heading,
        "part": section.part,
        "fields": [_field_as_data(field, content.answers) for field in section.fields],
    }


def _field_as_data(field: Field, answers: Mapping[str, Any]) -> dict[str, Any]:
    """A field and its answer; what is computed (communes, size…) sits beside, under its kind."""
    value = answers.get(field.key) if field.is_answer else None
    return {
        "key": field.key,
        "kind": field.kind.value,
        "group": field.group,
        "label": field.printed_label,
        "value": value,
        "display": answer_rules.as_data(answer_rules.display(field, value))
        if field.is_answer
        else None,
    }


def summary_as_data(territory: TerritorySummary) -> dict[str, Any]:
    return {
        "commune_count": territory.commune_count,
        "population": territory.population,
        "declared_population": territory.declared_population,
        "declared_population_reason": territory.declared_population_reason,
        "size_class": territory.size_class,
        "below_floor": territory.below_floor,
        "department_codes": list(territory.department_codes),
        "cog_year": territory.cog_year,
        "population_year": territory.population_year,
    }


def _attachments_as_data(letter: LetterOfIntent, content: LetterContent) -> list[dict[str, Any]]:
    files: dict[str, list[dict[str, Any]]] = {}
    for file in held_files(letter) if content.files else []:
        files.setdefault(file.slot, []).append(
            {
                "id": str(file.id),
                "name": file.name,
                "content_type": file.content_type,
                "size": file.size,
                "sha256": file.sha256,
            }
        )
    return [
        {
            "key": slot.key,
            "label": slot.label,
            "files": files.get(slot.key, []),
            "deferred": content.deferred.get(slot.key, ""),
        }
        for slot in content.procedure.attachments
    ]


def _office_as_data(office: Organisation) -> dict[str, Any]:
    return {
        "code": office.code,
        "name": office.name,
        "service": office.service,
        "address": office.address,
        "email": office.email,
        "phone": office.phone,
        "to_complete": office.to_complete,
        "agency": _agency_as_data(office.parent) if office.parent else None,
    }


def _agency_as_data(agency: Organisation) -> dict[str, Any]:
    return {
        "name": agency.name,
        "address": agency.address,
        "email": agency.email,
        "phone": agency.phone,
    }


def silence_date(letter: LetterOfIntent) -> date:
    """The last day before silence takes effect, if the file is complete: the clock's deadline.

    Raises ValueError when there is none to announce: not deposited, or being completed where
    silence means acceptance.
    """
    deadline = clock_of(letter).deadline
    if deadline is None:
        raise ValueError(f"{letter} has no deadline to announce.")
    return deadline


def record_posting(letter: LetterOfIntent, *, posted_on: date) -> None:
    """Note the day the lead posted the paper version, where the region also wants one.

    Raises ActionRefusedError where no paper is asked, for a day before the deposit or in the
    future.
    """
    if procedure_of(letter).paper is None:
        raise ActionRefusedError(
            "Cette région ne demande pas de version papier : le dépôt sur le portail suffit."
        )
    if not letter.deposited_at or posted_on < timezone.localdate(letter.deposited_at):
        raise ActionRefusedError(
            "La date d’envoi ne peut pas précéder le dépôt de la lettre sur le portail."
        )
    if posted_on > timezone.localdate():
        raise ActionRefusedError("La date d’envoi ne peut pas être dans l’avenir.")
    LetterOfIntent.objects.filter(pk=letter.pk).update(posted_on=posted_on)


def owners(letter: LetterOfIntent) -> list[User]:
    return list(
        User.objects.filter(
            team_memberships__community_id=letter.community_id,
            team_memberships__role=TeamMember.Role.OWNER,
        )
    )
