"""Asking an office for what it knows of a territory, and answering. One gesture each.

Each verb locks the request and checks who acts. A refusal is a DiagnosisError whose message is
the sentence to show.
"""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organisation, User
from communities.models import Community
from diagnosis import rules
from diagnosis.models import DiagnosisFile, DiagnosisRequest, RequestState, Topic
from diagnosis.people import desk_of, team_of
from documents.services import store_attachment
from notifications.services import About, Told, notify
from procedures.schema import FILE_KINDS
from territories.models import Territory
from territories.population import summarise
from workflow.people import still_holds_their_role

LONGEST_MESSAGE: Final = 5_000
MOST_FILES: Final = 10
USUAL_DELAY: Final = timedelta(days=30)
FURTHEST: Final = timedelta(days=366)
_KINDS: Final = ("pdf", "docx", "xlsx", "odt", "ods", "jpeg", "png")
EXTENSIONS: Final = tuple(ext for kind in _KINDS for ext in FILE_KINDS[kind].extensions)
ACCEPT_LABEL: Final = "PDF, Word, Excel, OpenDocument, JPEG ou PNG"
_CONTENT_TYPES: Final = frozenset(t for kind in _KINDS for t in FILE_KINDS[kind].content_types)


class DiagnosisError(ValueError):
    """What is asked cannot be done; `message` says why and what to do, in French."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def recipients_of(community: Community) -> list[Organisation]:
    """Whom a team may ask: the Guichet first, then the offices of its départements, the ARS."""
    kinds = Organisation.Kind
    departments = [share.code for share in summarise(community.territory).departments]
    found = Organisation.objects.filter(
        Q(kind__in=[kinds.ONE_STOP_DESK, kinds.ARS])
        | Q(kind=kinds.ARS_BRANCH, department__in=departments),
        region=community.region_id,
    )
    order = [kinds.ONE_STOP_DESK, kinds.ARS_BRANCH, kinds.ARS]
    rank = {code: index for index, code in enumerate(departments)}
    return sorted(
        found,
        key=lambda one: (
            order.index(kinds(one.kind)),
            rank.get(one.department_id or "", 0),
            one.pk,
        ),
    )


@transaction.atomic
def ask(
    community: Community,
    *,
    by: User,
    recipient: Organisation,
    topics: Collection[str],
    wanted_on: date,
    message: str = "",
) -> DiagnosisRequest:
    """Send the territory of the day to an office. Raises PermissionDenied or DiagnosisError."""
    community = Community.objects.select_for_update(of=("self",)).get(pk=community.pk)
    if not rules.may_ask(community, by):
        raise PermissionDenied("Un responsable ou un rédacteur de la CPTS demande un diagnostic.")
    territory = community.territory
    summary = summarise(territory)
    if summary.is_empty:
        raise DiagnosisError(
            "Le territoire est encore vide : dessinez-le d’abord dans la lettre d’intention. "
            "Même provisoire, il suffit pour demander un diagnostic."
        )
    if not topics:
        raise DiagnosisError("Cochez au moins un thème : l’organisme saura quoi chercher.")
    check_date(wanted_on)
    if recipient not in recipients_of(community):
        raise DiagnosisError("Cet organisme ne reçoit pas les demandes de ce territoire.")
    if community.diagnosis_requests.open().filter(recipient=recipient).exists():
        raise DiagnosisError(
            f"{recipient} a déjà une demande de votre part, sans réponse pour l’instant. "
            "Retirez-la pour en envoyer une autre."
        )
    request = DiagnosisRequest.objects.create(
        community=community,
        recipient=recipient,
        topics=[topic for topic in Topic.values if topic in set(topics)],
        message=_clean(message),
        wanted_on=wanted_on,
        communes=communes_of(territory),
        commune_count=summary.commune_count,
        population=summary.population,
        cog_year=summary.cog_year,
        department_codes=list(summary.department_codes),
        asked_by=by,
    )
    _tell(request, "requested", desk_of(recipient, request.department_codes), to_office=True)
    return request


def communes_of(territory: Territory) -> list[dict[str, Any]]:
    """The lines of a territory, as a request keeps them; `population` in inhabitants or None."""
    rows = territory.parts.order_by(
        "commune__department", "commune__name_key", "commune", "part_name"
    ).values_list(
        "commune_id",
        "commune__name",
        "part_name",
        "commune__department_id",
        "part_population",
        "commune__population",
    )
    return [
        {
            "code": code,
            "name": name,
            "part": part,
            "department": department,
            "population": of_part if part else of_commune,
        }
        for code, name, part, department, of_part, of_commune in rows
    ]


def check_date(day: date) -> None:
    """Raises DiagnosisError for a day that is past, today, or more than a year away."""
    today = timezone.localdate()
    if not today < day <= today + FURTHEST:
        raise DiagnosisError(
            "Choisissez un jour à venir, dans l’année : celui pour lequel la réponse est utile."
        )


@transaction.atomic
def withdraw(request: DiagnosisRequest, *, by: User) -> None:
    """The team no longer needs an answer. Raises PermissionDenied or DiagnosisError."""
    current = _locked(request)
    if not rules.may_ask(current.community, by):
        raise PermissionDenied("Un responsable ou un rédacteur de la CPTS retire la demande.")
    _close(current, RequestState.WITHDRAWN, by)
    _tell(
        current, "withdrawn", desk_of(current.recipient, current.department_codes), to_office=True
    )


@transaction.atomic
def take(request: DiagnosisRequest, *, by: User, promised_on: date | None = None) -> None:
    """Say that the office prepares its answer, and for when; said again, the day changes.

    Raises PermissionDenied or DiagnosisError.
    """
    current = _answering(request, by)
    _refuse_closed(current)
    if promised_on:
        check_date(promised_on)
    current.state = RequestState.TAKEN
    current.taken_by, current.taken_at = by, current.taken_at or timezone.now()
    current.promised_on = promised_on
    current.save()
    _tell(current, "taken", team_of(current.community))


@transaction.atomic
def answer(
    request: DiagnosisRequest, *, by: User, text: str, files: Sequence[UploadedFile] = ()
) -> None:
    """Send a text and documents to the team; a later answer adds to the first.

    Raises PermissionDenied, DiagnosisError, or FileRefusedError: nothing is kept then.
    """
    current = _answering(request, by)
    text = _clean(text)
    if current.state in {RequestState.DECLINED, RequestState.WITHDRAWN}:
        _refuse_closed(current)
    if not text and not files:
        raise DiagnosisError("Écrivez une réponse ou joignez un document : rien n’est à envoyer.")
    if current.files.count() + len(files) > MOST_FILES:
        raise DiagnosisError(
            f"Une réponse a {MOST_FILES} documents au plus. Réunissez-en plusieurs en un seul."
        )
    for file in files:
        DiagnosisFile.objects.create(
            request=current,
            attachment=store_attachment(
                file, content_types=_CONTENT_TYPES, accept_label=ACCEPT_LABEL, user=by
            ),
        )
    now = timezone.now()
    current.answer = "\n\n".join(part for part in (current.answer, text) if part)
    current.state, current.closed_by, current.closed_at = RequestState.ANSWERED, by, now
    current.answer_count += 1
    current.save()
    _tell(current, "answered", team_of(current.community))


@transaction.atomic
def decline(request: DiagnosisRequest, *, by: User, reason: str) -> None:
    """Tell the team that no diagnosis will come, and why. Raises PermissionDenied or
    DiagnosisError."""
    current = _answering(request, by)
    reason = _clean(reason)
    if not reason:
        raise DiagnosisError("Dites pourquoi, et à qui s’adresser : l’équipe lit cette phrase.")
    current.answer = reason
    _close(current, RequestState.DECLINED, by)
    _tell(current, "declined", team_of(current.community))


def remind_late() -> int:
    """Tell each office once of the requests whose day has passed; how many were told of."""
    late = (
        DiagnosisRequest.objects.open()
        .annotate(due=Coalesce("promised_on", "wanted_on"))
        .filter(due__lt=timezone.localdate())
        .select_related("community", "recipient", "asked_by")
        .order_by("pk")
    )
    count = 0
    for request in late.iterator(chunk_size=200):
        with transaction.atomic():
            _tell(
                request,
                f"late-{request.due_on:%Y%m%d}",
                desk_of(request.recipient, request.department_codes),
                to_office=True,
                template="late",
            )
        count += 1
    return count


# --- What the verbs share ---------------------------------------------------------------------


def _clean(text: str) -> str:
    return text.replace("\0", "").strip()[:LONGEST_MESSAGE]


def _locked(request: DiagnosisRequest) -> DiagnosisRequest:
    found = DiagnosisRequest.objects.select_for_update(of=("self",))
    return found.select_related("community", "recipient", "asked_by").get(pk=request.pk)


def _answering(request: DiagnosisRequest, by: User) -> DiagnosisRequest:
    current = _locked(request)
    if not rules.may_answer(current, by):
        raise PermissionDenied("Un agent de l’organisme sollicité répond à cette demande.")
    still_holds_their_role(by)
    return current


def _refuse_closed(request: DiagnosisRequest) -> None:
    if not request.is_open:
        state = request.get_state_display().lower()
        raise DiagnosisError(f"Cette demande est déjà {state} : rechargez la page.")


def _close(request: DiagnosisRequest, state: RequestState, by: User) -> None:
    _refuse_closed(request)
    request.state, request.closed_by, request.closed_at = state, by, timezone.now()
    request.save()


def _tell(
    request: DiagnosisRequest,
    what: str,
    people: Sequence[Told],
    *,
    to_office: bool = False,
    template: str = "",
) -> None:
    for one in people:
        notify(
            "diagnosis_requested" if to_office else "diagnosis_answered",
            key=f"diagnosis-{what}:{request.pk}:{request.answer_count}:{request.promised_on or ''}",
            to=one,
            about=About(request.community.name),
            template=f"diagnosis/{template or what}",
            context={"request": request, "community": request.community, "by": request.asked_by},
            path=reverse("diagnosis:request", args=[request.public_id]),
            body=request.recipient if to_office else None,
        )
