"""The texts an office keeps to begin its messages with, and the tags they may hold.

A tag is a name of `TAGS` between double braces, such as `{{ reference }}`. Nothing else is
read in a text: neither a filter, nor an attribute, nor the tags of the pages' own templates.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Organisation, User
from cpts_portal.words import day
from workflow.clock_rules import clock_rule
from workflow.kinds import child_of, kind_of
from workflow.message_rules import may_manage_templates
from workflow.models import Case, MessageTemplate
from workflow.models.messages import LONGEST_MESSAGE
from workflow.services import ActionRefusedError, clock_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

LONGEST_NAME: Final = 100
LONGEST_SUBJECT: Final = 150
# An office with more would not find the one it wants.
MOST_TEMPLATES: Final = 200


@dataclass(frozen=True)
class Tag:
    """A tag: what it stands for, and an invented value for a preview without a case."""

    meaning: str
    example: str


TAGS: Final[Mapping[str, Tag]] = {
    "reference": Tag("la référence du dossier", "LI-76-2026-0001"),
    "titre": Tag("le nom de la CPTS", "CPTS de la Vallée"),
    "referent": Tag("la personne qui a signé le dépôt", "Claire Fabre"),
    "date_depot": Tag("le jour du dépôt", "2 mars 2026"),
    "date_limite": Tag("le dernier jour du délai légal de réponse", "2 mai 2026"),
    "bureau": Tag("votre organisme", "Guichet CPTS"),
    "agent": Tag("la personne qui écrit le message", "Michel Roques"),
}
_TAG: Final = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
# What a message still holds when the case had no value for a tag.
_BLANK: Final = "[à compléter\N{NO-BREAK SPACE}: {}]"
_BLANKS: Final = re.compile(r"\[à compléter\s?: [^\]]*\]")


def problems(text: str) -> list[str]:
    """What is wrong with the tags of a text, as sentences; nothing when each is known."""
    unknown = dict.fromkeys(name for name in _TAG.findall(text) if name not in TAGS)
    known = ", ".join(_shown(name) for name in TAGS)
    found = [
        f"La balise {_shown(name)} n’existe pas. Corrigez-la ou remplacez-la par du texte "
        f"(balises connues : {known})."
        for name in unknown
    ]
    rest = _TAG.sub("", text)
    if "{{" in rest or "}}" in rest:
        found.append(
            "Des accolades doubles ne sont pas refermées, ou ne sont pas ouvertes. Une balise "
            f"s’écrit {_shown('reference')}."
        )
    return found


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with each tag replaced; what has no value says so, to be completed by hand."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in TAGS:
            return match.group()
        return values.get(name) or _BLANK.format(TAGS[name].meaning)

    return _TAG.sub(value, text)


def blanks(text: str) -> list[str]:
    """What a filled text still asks to complete, as it stands in it."""
    return list(dict.fromkeys(_BLANKS.findall(text)))


def values_for(case: Case, user: User) -> dict[str, str]:
    """What the tags say of a case when this person writes about it."""
    deposited = case.deposited_at
    return {
        "reference": case.reference or "",
        "titre": case.title,
        "referent": kind_of(case).referent(child_of(case)),
        "date_depot": day(timezone.localdate(deposited)) if deposited else "",
        "date_limite": _deadline(case),
        "bureau": user.acting.organisation.name if user.acting else "",
        "agent": user.get_full_name(),
    }


def example_values() -> dict[str, str]:
    return {name: tag.example for name, tag in TAGS.items()}


def _deadline(case: Case) -> str:
    try:
        clock_rule(case)
    except LookupError:
        return ""
    deadline = clock_of(case).deadline
    return day(deadline) if deadline else ""


def _shown(name: str) -> str:
    return f"{{{{ {name} }}}}"


def templates_of(user: User) -> "QuerySet[MessageTemplate]":
    """The texts kept by the organisation the person acts for; none for whoever may not write."""
    if user.acting is None or not may_manage_templates(user):
        return MessageTemplate.objects.none()
    return MessageTemplate.objects.filter(organisation=user.acting.organisation_id)


def save_template(
    template: MessageTemplate | None, *, user: User, name: str, subject: str, text: str
) -> MessageTemplate:
    """Write a text, new when `template` is None.

    Raises PermissionDenied, or ActionRefusedError with what to correct.
    """
    organisation = _organisation_of(user)
    if template is not None and template.organisation_id != organisation.pk:
        raise PermissionDenied("Ce modèle appartient à un autre organisme.")
    name, subject, text = name.strip(), " ".join(subject.split()), _clean(text)
    wrong = [*problems(subject), *problems(text)]
    if not name or not text:
        wrong.append("Un modèle a un nom et un texte : complétez-les.")
    if len(name) > LONGEST_NAME or len(subject) > LONGEST_SUBJECT or len(text) > LONGEST_MESSAGE:
        wrong.append("Ce modèle est trop long : raccourcissez-le.")
    if wrong:
        raise ActionRefusedError(" ".join(wrong))
    with transaction.atomic():
        # One at a time for an organisation, so that the limit stays true.
        Organisation.objects.select_for_update(of=("self",)).get(pk=organisation.pk)
        kept = MessageTemplate.objects.filter(organisation=organisation)
        if template is None and kept.count() >= MOST_TEMPLATES:
            raise ActionRefusedError(
                f"Votre organisme a déjà {MOST_TEMPLATES} modèles : supprimez ceux qui ne servent "
                "plus."
            )
        template = template or MessageTemplate(organisation=organisation)
        template.name, template.subject, template.text = name, subject, text
        template.updated_by, template.updated_at = user, timezone.now()
        try:
            with transaction.atomic():
                template.save()
        except IntegrityError as clash:
            raise ActionRefusedError(
                f"Un modèle de votre organisme s’appelle déjà « {name} ». Choisissez un autre nom."
            ) from clash
    return template


def delete_template(template: MessageTemplate, *, user: User) -> None:
    """Remove a text; the messages that began with it stay as they were sent."""
    if template.organisation_id != _organisation_of(user).pk:
        raise PermissionDenied("Ce modèle appartient à un autre organisme.")
    template.delete()


def _organisation_of(user: User) -> Organisation:
    if user.acting is None or not may_manage_templates(user):
        raise PermissionDenied(
            "Les modèles de messages sont tenus par les agents et les coordinateurs d’un bureau."
        )
    return user.acting.organisation


def _clean(text: str) -> str:
    return text.replace("\0", "").replace("\r\n", "\n").strip()
