"""Issuing the official documents of a project: once each, from what was frozen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts.models import Membership, User
from cpts_portal.words import the_body
from health_projects.content import project_content
from health_projects.correspondence import (
    certificate_context,
    completion_receipt_context,
    receipt_context,
    recognition_context,
    silence_withdrawal_context,
)
from health_projects.models import HealthProject
from health_projects.signing import SIGNED_DOCUMENT, campaign_of
from health_projects.unmaking import certificate_number, validations_by_silence
from procedures.decisions import decision_parameters
from procedures.schema import FieldKind
from signatures.register import register_of
from territories.maps import printed_map
from workflow.clock import EventKind
from workflow.decision_states import DecisionState
from workflow.decision_text import remedies
from workflow.models import CaseDocument, ClockEvent, Decision, Snapshot, TransitionLog
from workflow.notices import case_path
from workflow.official import declare_readers, issue_once, whoever_sees_the_case
from writing.content import procedure_of
from writing.printing import form_context

PROJECT: Final = SIGNED_DOCUMENT
SIGNED: Final = "health_project_signed"
PUBLIC: Final = "health_project_public"
RECEIPT: Final = "health_project_receipt"
COMPLETION_RECEIPT: Final = "health_project_completion"
CERTIFICATE: Final = "tacit_certificate"
RECOGNITION: Final = "recognition"
SILENCE_WITHDRAWAL: Final = "silence_withdrawal"
LABELS: Final = {
    PROJECT: "Projet de santé, version à signer",
    SIGNED: "Projet de santé signé",
    PUBLIC: "Copie publique, sans donnée personnelle",
    RECEIPT: "Accusé de réception électronique",
    COMPLETION_RECEIPT: "Accusé de réception des compléments",
    CERTIFICATE: "Attestation de validation par silence",
    RECOGNITION: "Courrier de reconnaissance",
    SILENCE_WITHDRAWAL: "Retrait de la validation par silence",
}
KINDS: Final = tuple(LABELS)
# How a person is named or reached: left out of the public copy.
_PERSONAL: Final = frozenset({FieldKind.EMAIL.value, FieldKind.PHONE.value})


def _since_the_deposit(user: User) -> Q:
    """What was frozen to be signed is the team's until the project is deposited."""
    return Q() if user.acting is None else Q(case__deposited_at__isnull=False)


for _kind in KINDS:
    declare_readers(_kind, _since_the_deposit if _kind == PROJECT else whoever_sees_the_case)


# --- Parts beside the form ----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class PrintedPart:
    """How a part of the frozen content is printed: a template of `pdf/`, and what it shows.

    `show(value, is_public=…)` prepares what the template goes through; None prints nothing.
    """

    key: str
    template: str
    show: Callable[..., Any]


_parts: dict[str, PrintedPart] = {}


def declare_printed_part(part: PrintedPart) -> None:
    """Print a part of every project, in the order of the declarations."""
    _parts[part.key] = part


def _printed(content: Mapping[str, Any], *, is_public: bool) -> list[dict[str, Any]]:
    found = (
        (part, part.show(content[part.key], is_public=is_public))
        for part in _parts.values()
        if part.key in content
    )
    return [{"template": one.template, "shown": shown} for one, shown in found if shown is not None]


# --- The project itself -------------------------------------------------------------------------


def project_context(
    project: HealthProject,
    content: Mapping[str, Any],
    *,
    version: int,
    digest: str = "",
    is_public: bool = False,
) -> dict[str, Any]:
    """Context of `pdf/project.html` for a content, frozen or of today."""
    procedure = procedure_of(project)
    shown = without_personal_data(content) if is_public else content
    printed = form_context(
        shown,
        procedure,
        digest=digest,
        territory_map=printed_map(
            ((line["code"], line["part_name"]) for line in content["territory"]),
            cog_year=content["summary"]["cog_year"],
        ),
    )
    reference = project.reference or ""
    printed["card"] = [
        {
            "label": "Référence" if reference else "État",
            "first": reference or "Brouillon",
            "lines": [f"Version {version}"] if version else ["Projet non déposé"],
        },
        {"label": "Destinataire", "first": "", "lines": [procedure.addressee.label]},
        *printed["card"][2:],
    ]
    if is_public:
        printed["card"] = printed["card"][:2]
    printed["running"] = f"{reference or 'Brouillon'} · {content['title']}"
    return {"printed": printed, "parts": _printed(shown, is_public=is_public)}


def without_personal_data(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content without what names or reaches a person: the contact, e-mails, telephones."""
    sections = [
        section
        | {
            "fields": [
                field
                for field in section["fields"]
                if not field["key"].startswith("contact_")
                and field["kind"] not in _PERSONAL
                and field["kind"] != FieldKind.SIGNATURE.value
            ]
        }
        for section in content["sections"]
    ]
    # A part that said nothing but who to reach has nothing left to say.
    sections = [section for section in sections if section["fields"]]
    return dict(content) | {"sections": sections, "attachments": [], "signature": {}}


def issue_version(project: HealthProject, snapshot: Snapshot) -> CaseDocument:
    """Issue the PDF of a frozen version: what its members read and sign."""
    return issue_once(
        snapshot,
        kind=PROJECT,
        number=f"{project.reference}-V{snapshot.version}",
        title=f"Projet de santé – {snapshot.content['title']}",
        template="pdf/project.html",
        context=lambda: (
            project_context(
                project, snapshot.content, version=snapshot.version, digest=snapshot.sha256
            )
            | {"created_at": snapshot.created_at.isoformat()}
        ),
    )


def _issue_signed(project: HealthProject, snapshot: Snapshot, *, is_public: bool) -> CaseDocument:
    campaign = campaign_of(snapshot)
    number = f"{project.reference}-V{snapshot.version}-{'P' if is_public else 'S'}"

    def context() -> dict[str, Any]:
        register = register_of(campaign) if campaign else None
        shown = project_context(
            project,
            snapshot.content | filed(project),
            version=snapshot.version,
            digest=snapshot.sha256,
            is_public=is_public,
        )
        return shown | {
            "register": register,
            "plural": "s" if register and register.signed > 1 else "",
            "is_public": is_public,
            "created_at": _moment(project, snapshot),
        }

    return issue_once(
        snapshot,
        kind=PUBLIC if is_public else SIGNED,
        number=number,
        title=f"Projet de santé – {snapshot.content['title']}",
        template="pdf/project.html",
        context=context,
    )


def _moment(project: HealthProject, snapshot: Snapshot) -> str:
    completion = snapshot.content.get("completion")
    return str(completion["answered_at"] if completion else filed(project)["deposited_at"])


def filed(project: HealthProject) -> dict[str, Any]:
    """What the deposit noted. Raises ValueError for a project that was never deposited."""
    if project.filing is None:
        raise ValueError(f"{project} was never deposited.")
    return project.filing


# In the order they are drawn: the receipt at once, for the project may be long.
DEPOSITED: Final = (RECEIPT, SIGNED, PUBLIC)


def issue_next(project: HealthProject, snapshot: Snapshot) -> int:
    """Draw the first document of a deposit that is not drawn yet; how many are left after it.

    Each is its own piece of work: what is drawn is kept, and shown, while the next is.
    """
    drawn = set(CaseDocument.objects.filter(snapshot=snapshot).values_list("kind", flat=True))
    left = [kind for kind in DEPOSITED if kind not in drawn]
    if left:
        _issue_of_deposit(project, snapshot, left[0])
    return len(left[1:])


def issue_deposit(project: HealthProject, snapshot: Snapshot) -> list[CaseDocument]:
    """The documents of a deposit: the signed project, its public copy, the receipt."""
    order = (SIGNED, PUBLIC, RECEIPT)
    return [_issue_of_deposit(project, snapshot, kind) for kind in order]


def _issue_of_deposit(project: HealthProject, snapshot: Snapshot, kind: str) -> CaseDocument:
    if kind == RECEIPT:
        return _issue_receipt(project, snapshot)
    return _issue_signed(project, snapshot, is_public=kind == PUBLIC)


def _issue_receipt(project: HealthProject, snapshot: Snapshot) -> CaseDocument:
    content = snapshot.content | filed(project)
    url = settings.PORTAL_URL + case_path(project)
    procedure = procedure_of(project)
    return issue_once(
        snapshot,
        kind=RECEIPT,
        number=f"{project.reference}-AR",
        title=f"Accusé de réception électronique – {content['title']}",
        template="pdf/receipt.html",
        context=lambda: {
            "receipt": receipt_context(content, procedure, case_url=url),
            "created_at": content["deposited_at"],
        },
    )


def issue_completion(project: HealthProject, snapshot: Snapshot) -> list[CaseDocument]:
    """The documents of a version that completes another."""
    content = filed(project) | snapshot.content | {"version": snapshot.version}
    url = settings.PORTAL_URL + case_path(project)
    receipt = issue_once(
        snapshot,
        kind=COMPLETION_RECEIPT,
        number=f"{project.reference}-V{snapshot.version}-AR",
        title=f"Accusé de réception des compléments – {content['title']}",
        template="pdf/receipt.html",
        context=lambda: {
            "receipt": completion_receipt_context(content, case_url=url),
            "created_at": str(content["completion"]["answered_at"]),
        },
    )
    return [issue_version(project, snapshot), receipt]


# --- What follows the decision ------------------------------------------------------------------


def _last(project: HealthProject) -> Snapshot:
    return Snapshot.objects.get(case_id=project.pk, version=project.version)


def issue_certificate(project: HealthProject) -> CaseDocument:
    """The certificate of CRPA L. 232-3, once silence has validated the project."""
    snapshot = _last(project)
    number, rank = certificate_number(project), validations_by_silence(project)
    validated_on = project.validated_on
    if validated_on is None:
        raise ValueError(f"{project} is not validated.")

    def context() -> dict[str, Any]:
        content = snapshot.content | filed(project)
        return {
            "receipt": certificate_context(
                content,
                number=number,
                validated_on=validated_on,
                complete_on=complete_on(project),
                months=procedure_of(project).circuit.period.months,
            ),
            "created_at": _noon(validated_on),
        }

    return issue_once(
        snapshot,
        kind=CERTIFICATE,
        number=number,
        title=f"Attestation de validation par silence – {snapshot.content['title']}",
        template="pdf/receipt.html",
        context=context,
        about=rank if rank > 1 else None,
    )


def issue_silence_withdrawal(project: HealthProject, log: TransitionLog) -> CaseDocument:
    """The act that withdraws a validation by silence, once for each."""
    snapshot = _last(project)
    certificate = certificate_number(project)

    def context() -> dict[str, Any]:
        content = snapshot.content | filed(project)
        return {
            "receipt": silence_withdrawal_context(
                content,
                number=f"{certificate}-R",
                certificate=certificate,
                withdrawn_on=timezone.localdate(log.at),
                reasons=log.comment,
                body=log.body.name if log.body else "",
                author=_author(log),
                remedies=remedies(
                    project,
                    [log.body] if log.body else [],
                    decision_parameters(),
                ),
            ),
            "created_at": log.at.isoformat(),
        }

    return issue_once(
        snapshot,
        kind=SILENCE_WITHDRAWAL,
        number=f"{certificate}-R",
        title=f"Retrait de la validation par silence – {snapshot.content['title']}",
        template="pdf/receipt.html",
        context=context,
        about=log.pk,
    )


def _author(log: TransitionLog) -> str:
    """« Paul Roy, coordinateur, pour l’ARS des Pays de la Loire »: CRPA, article L. 212-1.

    Nobody but a coordinator withdraws a validation by silence.
    """
    name = log.actor.get_full_name() if log.actor else ""
    signed = f"{name}, {Membership.Role.COORDINATOR.label}"
    return f"{signed}, pour {the_body(log.body.name)}" if log.body else signed


def complete_on(project: HealthProject) -> date:
    """The day the complete file was received: the last start of its period, corrections aside."""
    rows = list(ClockEvent.objects.filter(case_id=project.pk).order_by("effective_on", "pk"))
    cancelled = {row.cancels_id for row in rows}
    starts = {EventKind.START, EventKind.RESTART, EventKind.REOPEN}
    kept = [
        row.effective_on
        for row in rows
        if row.kind in starts and row.pk not in cancelled and row.cancels_id is None
    ]
    return kept[-1]


def issue_recognition(project: HealthProject) -> CaseDocument:
    """The letter that recognises the CPTS, once for each validation of its project."""
    snapshot = _last(project)
    decision = Decision.objects.filter(case_id=project.pk, state=DecisionState.TAKEN).first()
    if decision is not None:
        decision.case = project
    rank = decision.rank if decision else None
    silent = 0 if decision else validations_by_silence(project)
    suffix = f"-S{silent}" if silent > 1 else (f"{rank}" if rank and rank > 1 else "")
    number = f"{project.reference}-REC{suffix}"
    validated_on = project.validated_on
    if validated_on is None:
        raise ValueError(f"{project} is not validated.")

    def context() -> dict[str, Any]:
        content = snapshot.content | filed(project)
        return {
            "letter": recognition_context(
                content,
                number=number,
                validated_on=validated_on,
                act=decision.number if decision else certificate_number(project),
                signatures=(decision.content or {})["signatures"] if decision else [],
            ),
            "created_at": _noon(validated_on),
        }

    return issue_once(
        snapshot,
        kind=RECOGNITION,
        number=number,
        title=f"Courrier de reconnaissance – {snapshot.content['title']}",
        template="pdf/recognition.html",
        context=context,
        about=decision.pk if decision else _last_silence(project, silent),
    )


def _last_silence(project: HealthProject, count: int) -> int | None:
    """What a recognition by silence is about: nothing for the first, then its line of the log."""
    if count < 2:
        return None
    logs = TransitionLog.objects.filter(case_id=project.pk, transition="accept_tacitly")
    return logs.order_by("-pk").values_list("pk", flat=True)[0]


def _noon(day: date) -> str:
    """A day as the moment of an act: documents bear a moment, silence only has a day."""
    return timezone.make_aware(datetime.combine(day, time(12))).isoformat()


def preview_context(project: HealthProject) -> dict[str, Any]:
    """The project as it stands, for a draft that nothing keeps."""
    return project_context(project, project_content(project), version=0)
