"""The association that carries a CPTS: added, corrected, closed, followed by another."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import DateField, F, Prefetch
from django.utils import timezone

from accounts.models import User
from communities import rules
from communities.models import Community, LegalEntity, LegalEntityChange
from communities.numbers import written_siret
from cpts_portal.composed import ComposedObjects, Given
from cpts_portal.words import day
from documents.services import store_attachment

# What a person writes, in the order of the form, with its name in the history.
FIELDS: Final[dict[str, str]] = {
    "form": "Forme",
    "name": "Nom",
    "rna": "Numéro RNA",
    "siret": "Numéro SIRET",
    "pending_reason": "Pourquoi un numéro manque",
    "address": "Adresse du siège",
    "postal_code": "Code postal",
    "city": "Commune",
    "valid_from": "À partir du",
    "valid_to": "Jusqu’au",
}
_Action = LegalEntityChange.Action
_NO_ENTITY: Final = (
    "Ajoutez l’association qui porte la CPTS : son nom et son siège. La loi demande une "
    "association depuis 2021 (code de la santé publique, article L. 1434-12-1)."
)


class LegalEntityError(ValueError):
    """A change is refused; `message` says why, in French; `field` is where, when there is one."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.message, self.field = message, field


class ChangedMeanwhileError(LegalEntityError):
    """Somebody saved the row since the form was opened: nothing is written over their work."""


_CURRENT: Final = ComposedObjects(
    lambda: (
        LegalEntity.objects.filter(community=Given("community"))
        .on(Given("day", DateField()))
        .select_related("statutes")
    )
)


def current_entity(community: Community, *, on: date | None = None) -> LegalEntity | None:
    """The association that carries the CPTS on a day, today by default; None when there is none."""
    found = _CURRENT.objects(community=community.pk, day=on or timezone.localdate(), count=1)
    return found[0] if found else None


def history_of(community: Community) -> list[LegalEntity]:
    """Every association of a CPTS, the latest first, with its changes: two queries."""
    changes = LegalEntityChange.objects.select_related("by")
    rows = LegalEntity.objects.filter(community=community).select_related("statutes")
    return list(rows.prefetch_related(Prefetch("changes", changes)))


def missing_of(entity: LegalEntity | None) -> list[str]:
    """What the association lacks before a project is deposited, as sentences.

    A number that is still to come is not missing once the team has said why.
    """
    if entity is None:
        return [_NO_ENTITY]
    if entity.pending_reason:
        return []
    wanted = []
    if not entity.rna and entity.form == LegalEntity.Form.ASSOCIATION:
        wanted.append("RNA")
    if not entity.siret:
        wanted.append("SIRET")
    return [
        f"Le numéro {number} de l’association manque : écrivez-le, ou dites pourquoi il "
        "est à venir."
        for number in wanted
    ]


@transaction.atomic
def add_entity(
    community: Community,
    values: Mapping[str, Any],
    *,
    by: User,
    statutes: UploadedFile | None = None,
) -> LegalEntity:
    """Record the association that carries the CPTS.

    Raises PermissionDenied; LegalEntityError when another one carries it on those days or when
    numbers contradict each other; FileRefusedError for a file that is no PDF.
    """
    _require(community, by)
    entity = LegalEntity(community=community, created_by=by)
    changed = _write(entity, values)
    _check_numbers(entity)
    if statutes is not None:
        changed.append(_join(entity, statutes, by))
    _save(entity)
    entity.changes.create(action=_Action.ADDED, changed=changed, by=by)
    _tell_of_statutes(entity, statutes, by)
    return entity


@transaction.atomic
def correct_entity(
    entity: LegalEntity,
    values: Mapping[str, Any],
    *,
    revision: int,
    by: User,
    statutes: UploadedFile | None = None,
) -> LegalEntity:
    """Correct an association that was started from its change number `revision`.

    Raises as `add_entity`, and ChangedMeanwhileError when it was changed since.
    """
    _require(entity.community, by)
    entity = LegalEntity.objects.select_for_update(of=("self",)).get(pk=entity.pk)
    if entity.revision != revision:
        raise ChangedMeanwhileError(_who_changed(entity, revision))
    was_open = entity.valid_to is None
    changed = _write(entity, values)
    _check_numbers(entity)
    if statutes is not None:
        changed.append(_join(entity, statutes, by))
    if changed:
        entity.revision += 1
        _save(entity)
        closes = was_open and entity.valid_to is not None
        entity.changes.create(
            action=_Action.CLOSED if closes else _Action.CORRECTED, changed=changed, by=by
        )
        _tell_of_statutes(entity, statutes, by)
    return entity


def close_entity(entity: LegalEntity, *, on: date, by: User) -> LegalEntity:
    """The association carries the CPTS until this day, included. Raises as `correct_entity`."""
    return correct_entity(entity, {"valid_to": on}, revision=entity.revision, by=by)


@transaction.atomic
def replace_entity(
    entity: LegalEntity,
    values: Mapping[str, Any],
    *,
    by: User,
    statutes: UploadedFile | None = None,
) -> LegalEntity:
    """A second association follows the first, which ends the day before.

    Raises as `add_entity`, and when the second would begin before the first one did.
    """
    begins = values["valid_from"]
    if begins <= entity.valid_from:
        raise LegalEntityError(
            f"La première association porte la CPTS depuis le {day(entity.valid_from)} : la "
            "seconde commence après cette date.",
            "valid_from",
        )
    close_entity(entity, on=begins - timedelta(days=1), by=by)
    return add_entity(entity.community, values, by=by, statutes=statutes)


def as_data(entity: LegalEntity | None) -> dict[str, Any]:
    """The association as it is frozen in a deposit, in plain JSON; empty when there is none."""
    if entity is None:
        return {}
    statutes = entity.statutes
    return {
        "form": entity.get_form_display(),
        "name": entity.name,
        "rna": entity.rna,
        "siret": entity.siret,
        "pending_reason": entity.pending_reason,
        "seat": entity.seat,
        "valid_from": entity.valid_from.isoformat(),
        "statutes": statutes
        and {"name": statutes.name, "size": statutes.size, "sha256": statutes.sha256},
    }


def rows_of(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was frozen of an association, as terms and values to read."""
    if not data:
        return []
    numbers = [
        ("Numéro RNA", data["rna"]),
        ("Numéro SIRET", written_siret(data["siret"])),
        ("Numéro à venir", data["pending_reason"]),
    ]
    return [
        ("Nom", data["name"]),
        ("Forme", data["form"]),
        *((term, value) for term, value in numbers if value),
        ("Siège", data["seat"]),
        ("Depuis le", day(date.fromisoformat(data["valid_from"]))),
        ("Statuts", data["statutes"]["name"] if data["statutes"] else "non joints"),
    ]


_followers: list[Callable[[LegalEntity, User], None]] = []


def on_statutes(follow: Callable[[LegalEntity, User], None]) -> Callable[[LegalEntity, User], None]:
    """Register what goes with statutes that are joined, in their transaction."""
    if follow not in _followers:
        _followers.append(follow)
    return follow


_warnings: list[Callable[[Community], str]] = []


def warn_before_change(say: Callable[[Community], str]) -> Callable[[Community], str]:
    """Register what a change of the association costs: a sentence, or nothing, before saving."""
    if say not in _warnings:
        _warnings.append(say)
    return say


def costs_of_change(community: Community) -> list[str]:
    """What a change of the association costs, as the rooms above say it."""
    return [sentence for say in _warnings if (sentence := say(community))]


# --- Writing ------------------------------------------------------------------------------------


def _require(community: Community, user: User) -> None:
    if not rules.may_write_legal_entity(community, user):
        raise PermissionDenied


def _write(entity: LegalEntity, values: Mapping[str, Any]) -> list[list[str]]:
    """Take the values; what changed, as its name, what it was and what it is."""
    changed = []
    for name, label in FIELDS.items():
        if name not in values:
            continue
        value = values[name]
        before = getattr(entity, name)
        if isinstance(value, str):
            value = value.strip()
        if value != before:
            said = [_said(entity, name)]
            setattr(entity, name, value)
            said.append(_said(entity, name))
            changed.append([label, *(said if entity.pk else ["", said[1]])])
    if entity.valid_to and entity.valid_to < entity.valid_from:
        raise LegalEntityError(
            "La fin ne peut pas précéder le début : corrigez l’une des dates.", "valid_to"
        )
    return [line for line in changed if line[1] != line[2]]


def _said(entity: LegalEntity, name: str) -> str:
    value = getattr(entity, name)
    match name:
        case "form":
            return str(entity.get_form_display())
        case "siret":
            return entity.siret_as_written
        case "valid_from" | "valid_to":
            return day(value) if value else ""
    return str(value)


def _check_numbers(entity: LegalEntity) -> None:
    """One RNA number has one SIREN, and the other way round, whatever the row."""
    others = LegalEntity.objects.filter(community=entity.community).exclude(pk=entity.pk)
    for other in others:
        if not (entity.rna and other.rna and entity.siret and other.siret):
            continue
        same_rna, same_siren = entity.rna == other.rna, entity.siren == other.siren
        if same_rna != same_siren:
            number = f"RNA {entity.rna}" if same_rna else f"SIREN {entity.siren}"
            raise LegalEntityError(
                f"Le numéro {number} est aussi celui de « {other.name} », dont l’autre numéro est "
                f"différent (RNA {other.rna}, SIREN {other.siren}). Une association n’a qu’un RNA "
                "et qu’un SIREN : vérifiez les deux.",
                "siret" if same_rna else "rna",
            )


def _join(entity: LegalEntity, file: UploadedFile, by: User) -> list[str]:
    before = entity.statutes.name if entity.statutes else ""
    entity.statutes = store_attachment(
        file, content_types={"application/pdf"}, accept_label="PDF", user=by
    )
    return ["Statuts", before, entity.statutes.name]


def _tell_of_statutes(entity: LegalEntity, joined: UploadedFile | None, by: User) -> None:
    if joined is not None:
        for follow in _followers:
            follow(entity, by)


def _save(entity: LegalEntity) -> None:
    try:
        with transaction.atomic():
            entity.save()
    except IntegrityError as refused:
        if "legal_entity_one_at_a_time" not in str(refused):
            raise
        raise LegalEntityError(_overlap(entity), "valid_from") from refused


def _overlap(entity: LegalEntity) -> str:
    rows = LegalEntity.objects.filter(community=entity.community).exclude(pk=entity.pk)
    if entity.valid_to:
        rows = rows.filter(valid_from__lte=entity.valid_to)
    last = rows.order_by(F("valid_to").desc(nulls_first=True)).first()
    if last is None:
        return "Une autre association porte la CPTS à ces dates : corrigez-les."
    until = f"jusqu’au {day(last.valid_to)}" if last.valid_to else "sans date de fin"
    return (
        f"« {last.name} » porte déjà la CPTS depuis le {day(last.valid_from)}, {until} : une seule "
        "association à la fois. Corrigez les dates, ou remplacez-la depuis sa fiche."
    )


def _who_changed(entity: LegalEntity, revision: int) -> str:
    changes = list(entity.changes.select_related("by")[: max(entity.revision - revision, 1)])
    who = changes[0].by if changes else "Quelqu’un"
    fields = {line[0]: line[2] for change in reversed(changes) for line in change.changed}
    said = " ; ".join(f"{label} : {value or 'vidé'}" for label, value in fields.items())
    return (
        f"{who} a modifié cette association pendant que vous écriviez ({said}). Ce que vous avez "
        "écrit est encore ci-dessous : relisez, puis enregistrez de nouveau pour le garder."
    )
