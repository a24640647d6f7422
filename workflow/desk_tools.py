"""What the people of an office do with the cases on their desk: assign, follow, label, note.

Each function acts in the role the person has chosen. What they keep for themselves (followed
cases, notes, last view) belongs to the person and the organisation together: it is not seen
from another role.
"""

from collections.abc import Collection, Iterable
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import Membership, User
from communities.models import TeamMember
from workflow import desk_rules
from workflow.kinds import child_of
from workflow.models import (
    Case,
    CaseLabel,
    FollowedCase,
    OfficeLabel,
    PrivateNote,
    SavedView,
)
from workflow.models.cases import SortedAsWritten
from workflow.services import ActionRefusedError, already_done, perform
from workflow.states import CaseState

LONGEST_NOTE: Final = 10_000
LONGEST_LABEL: Final = 40
# More would be a second reference, not a way of sorting.
MOST_LABELS: Final = 40


def _organisation(user: User) -> int:
    if user.acting is None:
        raise PermissionDenied("Choisissez d’abord le rôle dans lequel vous agissez.")
    return user.acting.organisation_id


# --- Who follows a case ----------------------------------------------------------------------


def colleagues(case: Case) -> QuerySet[User]:
    """Those to whom the case can be given: of the office in charge, inside their perimeter.

    Nobody who writes the case with its team: they would judge themselves.
    """
    held = Membership.objects.filter(
        Q(department=None) | Q(department__in=case.department_codes),
        user=OuterRef("pk"),
        organisation=case.office_id,
        is_active=True,
        role__in=desk_rules.roles_to_follow(case.state),
    )
    writes = TeamMember.objects.filter(
        community=case.community_id,
        user=OuterRef("pk"),
        role__in=(TeamMember.Role.OWNER, TeamMember.Role.EDITOR),
    )
    people = User.objects.filter(Exists(held), ~Exists(writes), is_active=True)
    return people.order_by("last_name", "first_name", "pk")


def assign(case: Case, *, to: User | None, actor: User, if_free: bool = False) -> None:
    """Give the case to a colleague of the office in charge, or to nobody.

    A deposited case is thereby taken up. Doing it twice changes nothing. `if_free`: only while
    nobody follows it, so that of two people who take it up at once, one does.

    Raises PermissionDenied when the actor may not, AlreadyDoneError when somebody was faster,
    and ActionRefusedError when the person cannot follow this case or when the case is closed.
    """
    with transaction.atomic():
        Case.objects.select_for_update().get(pk=case.pk)
        child = child_of(Case.objects.select_related("community").get(pk=case.pk))
        if not desk_rules.may_assign(child, actor):
            raise PermissionDenied(
                "Seul le bureau en charge confie un dossier en cours à l’un des siens."
            )
        if to is not None and not colleagues(child).filter(pk=to.pk).exists():
            raise ActionRefusedError(
                f"{to} ne peut pas suivre ce dossier : choisissez une personne du bureau en "
                "charge, dans son périmètre, et qui n’écrit pas ce dossier avec son équipe."
            )
        chosen = to.pk if to else None
        if child.instructor_id == chosen:
            return
        if if_free and child.instructor_id is not None:
            raise already_done(child)
        if child.state == CaseState.DEPOSITED:
            if to is not None:
                perform(child, "take_up", actor=actor, instructor_id=to.pk)
        else:
            perform(child, "assign", actor=actor, instructor_id=chosen)
    case.__dict__.update(state=child.state, instructor_id=child.instructor_id)
    case._state.fields_cache.pop("instructor", None)


# --- Followed cases --------------------------------------------------------------------------


def follow(cases: Iterable[Case], *, user: User) -> None:
    body = _organisation(user)
    FollowedCase.objects.bulk_create(
        [FollowedCase(user=user, organisation_id=body, case_id=case.pk) for case in cases],
        ignore_conflicts=True,
    )


def unfollow(cases: Iterable[Case], *, user: User) -> None:
    FollowedCase.objects.filter(
        user=user, organisation=_organisation(user), case__in=[case.pk for case in cases]
    ).delete()


# --- Labels ----------------------------------------------------------------------------------


def labels_of_office(user: User) -> QuerySet[OfficeLabel]:
    """The labels of the organisation the person acts for; none in their own name."""
    acting = user.acting
    labels = OfficeLabel.objects.filter(organisation=acting.organisation_id if acting else None)
    return labels.order_by(SortedAsWritten("name"), "pk")


def save_label(
    name: str, colour: str, *, user: User, label: OfficeLabel | None = None
) -> OfficeLabel:
    """Make a label of the person's office, or change one of its own.

    Raises ActionRefusedError for a name that is empty, too long or taken, an unknown colour,
    or one label too many.
    """
    body = _organisation(user)
    name = " ".join(name.replace("\0", "").split())
    if not name:
        raise ActionRefusedError("Donnez un nom à l’étiquette : c’est lui qu’on lit dans la liste.")
    if len(name) > LONGEST_LABEL:
        raise ActionRefusedError(
            f"Ce nom compte {len(name)} caractères ; il en accepte {LONGEST_LABEL} au plus. "
            "Raccourcissez-le."
        )
    if colour not in OfficeLabel.Colour.values:
        raise ActionRefusedError("Choisissez une couleur de la liste.")
    if label is None:
        if OfficeLabel.objects.filter(organisation=body).count() >= MOST_LABELS:
            raise ActionRefusedError(
                f"Votre bureau a déjà {MOST_LABELS} étiquettes, le plus qu’une liste montre "
                "clairement. Supprimez-en une avant d’en créer une autre."
            )
        label = OfficeLabel(organisation_id=body, created_by=user)
    label.name, label.colour = name, colour
    try:
        with transaction.atomic():
            label.save()
    except IntegrityError as taken:
        raise ActionRefusedError(
            f"Votre bureau a déjà une étiquette « {name} ». Choisissez un autre nom."
        ) from taken
    return label


@transaction.atomic
def put_label(label: OfficeLabel, cases: Collection[Case], *, user: User) -> int:
    """Put a label of the person's office on cases they see; returns how many had not got it.

    Raises PermissionDenied for a label of another office.
    """
    _check_own(label, user)
    before = CaseLabel.objects.filter(label=label, case__in=cases).count()
    CaseLabel.objects.bulk_create(
        [CaseLabel(label=label, case_id=case.pk, put_by=user) for case in cases],
        ignore_conflicts=True,
    )
    return len(cases) - before


def remove_label(label: OfficeLabel, cases: Collection[Case], *, user: User) -> int:
    """Take a label off; returns how many cases had it. Raises PermissionDenied likewise."""
    _check_own(label, user)
    return CaseLabel.objects.filter(label=label, case__in=cases).delete()[0]


@transaction.atomic
def set_labels(case: Case, labels: Collection[OfficeLabel], *, user: User) -> None:
    """Make these the labels the person's office has on a case; those of others stay."""
    for label in labels:
        _check_own(label, user)
    here = CaseLabel.objects.filter(case=case.pk, label__organisation=_organisation(user))
    here.exclude(label__in=labels).delete()
    for label in labels:
        put_label(label, [case], user=user)


def _check_own(label: OfficeLabel, user: User) -> None:
    if label.organisation_id != _organisation(user):
        raise PermissionDenied("Cette étiquette est celle d’un autre bureau.")


# --- Notes -----------------------------------------------------------------------------------


def note_of(case: Case, user: User) -> str:
    """What this person noted about the case in the role they act in; never anybody else's."""
    if user.acting is None:
        return ""
    found = PrivateNote.objects.filter(
        user=user, organisation=user.acting.organisation_id, case=case.pk
    )
    return found.values_list("text", flat=True).first() or ""


def save_note(case: Case, text: str, *, user: User) -> None:
    """Write one's note about a case; an empty one removes it.

    Raises ActionRefusedError for a text that is too long.
    """
    mine: dict[str, Any] = {
        "user": user,
        "organisation_id": _organisation(user),
        "case_id": case.pk,
    }
    text = text.replace("\0", "").strip()
    if len(text) > LONGEST_NOTE:
        raise ActionRefusedError(
            f"Cette note compte {len(text)} caractères ; elle en accepte {LONGEST_NOTE} au plus. "
            "Raccourcissez-la."
        )
    if not text:
        PrivateNote.objects.filter(**mine).delete()
        return
    PrivateNote.objects.update_or_create(
        **mine, defaults={"text": text, "updated_at": timezone.now()}
    )


# --- The list as it was last seen ------------------------------------------------------------


def last_view(user: User) -> SavedView | None:
    if user.acting is None:
        return None
    return SavedView.objects.filter(user=user, organisation=user.acting.organisation_id).first()


def remember_view(user: User, query: str, columns: Collection[str]) -> None:
    """Keep how the person looks at the list now, for their next visit: one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO workflow_savedview (user_id, organisation_id, query, columns)
               VALUES (%s, %s, %s, %s::text[]) ON CONFLICT (user_id, organisation_id)
                   DO UPDATE SET (query, columns) = (EXCLUDED.query, EXCLUDED.columns)""",
            [user.pk, _organisation(user), query[:1_000], list(columns)],
        )
