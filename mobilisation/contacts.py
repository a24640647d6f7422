"""Those the lead asks to answer: a spreadsheet read, checked and shown first, then mails.

Whether somebody in the list has answered is never shown: only how many are still to be asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from cpts_portal import spreadsheets
from cpts_portal.spreadsheets import TableFileError, plain
from mobilisation import rules
from mobilisation.links import address_digest, issue
from mobilisation.models import (
    Contact,
    ContactImport,
    OptOut,
    Questionnaire,
    QuestionnaireLog,
    Reply,
)
from mobilisation.telling import forget_mails, publish_mails
from procedures.questionnaires import QuestionModel
from workflow.services import ActionRefusedError

MOST_CONTACTS: Final = 5_000
# Mails to one person in all, and the days between two.
MOST_MAILS: Final = 3
REST: Final = timedelta(days=5)
COLUMNS: Final[dict[str, str]] = {
    "last_name": "Nom",
    "first_name": "Prénom",
    "email": "Adresse électronique",
    "profession": "Profession",
}
_OTHER_HEADINGS: Final = {
    "nom de famille": "last_name",
    "prenoms": "first_name",
    "courriel": "email",
    "mail": "email",
    "email": "email",
    "e mail": "email",
    "adresse mail": "email",
    "adresse e mail": "email",
    "metier": "profession",
}
# Other words people write for professions, compared without accents or capitals.
_PROFESSION_NAMES: Final = {
    "medecin": "general_practitioners",
    "generaliste": "general_practitioners",
    "medecin generaliste": "general_practitioners",
    "specialiste": "specialists",
    "infirmiere": "nurses",
    "infirmier e": "nurses",
    "ide": "nurses",
    "idel": "nurses",
    "pharmacienne": "pharmacists",
    "kine": "physiotherapists",
    "kinesitherapeute": "physiotherapists",
    "masseuse kinesitherapeute": "physiotherapists",
    "maieuticien": "midwives",
    "dentiste": "dentists",
    "chirurgienne dentiste": "dentists",
    "podologue": "podiatrists",
    "pedicure podologue": "podiatrists",
    "biologiste medical": "biologists",
    "autre": "other",
}
BOUNCED: Final = Q(last_mail__bounced_at__isnull=False) | Q(last_mail__refused_at__isnull=False)
# What the list may be narrowed to: address → (label, condition).
FILTERS: Final[dict[str, tuple[str, Q]]] = {
    "": ("Tous", Q()),
    "a-ecrire": ("Pas encore écrit", Q(told_at__isnull=True, unsubscribed_at__isnull=True)),
    "revenus": ("Courriel revenu ou refusé", BOUNCED),
    "desinscrits": ("Désinscrits", Q(unsubscribed_at__isnull=False)),
}


@dataclass
class Row:
    """One line of the file: what it would add, or the sentences that say why it cannot.

    `status`: « ready », « wrong », « known » (in the list already) or « left » (unsubscribed).
    """

    number: int
    cells: dict[str, str]
    profession: str = ""
    status: str = "ready"
    sentences: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        person = f"{self.cells.get('first_name', '')} {self.cells.get('last_name', '')}".strip()
        return person or self.cells.get("email", "")


# --- Reading --------------------------------------------------------------------------------------


@transaction.atomic
def read_contacts_file(
    questionnaire: Questionnaire, *, name: str, content: bytes, by: User
) -> ContactImport:
    """Read a file, keep what it says aside, and return it: nobody is added, nobody is written to.

    Raises PermissionDenied, or TableFileError when nothing of the file can be used.
    """
    _require(questionnaire, by)
    Questionnaire.objects.select_for_update().get(pk=questionnaire.pk)
    found, ignored = spreadsheets.read_list(
        name,
        content,
        headings=_OTHER_HEADINGS | {plain(label): key for key, label in COLUMNS.items()},
        labels=COLUMNS,
        needed=("email",),
        max_rows=MOST_CONTACTS,
    )
    rows = [Row(number, cells) for number, cells in found]
    if questionnaire.contacts.count() + len(rows) > MOST_CONTACTS:
        raise TableFileError(
            f"La liste dépasserait {MOST_CONTACTS} personnes : vérifiez que c’est le bon fichier."
        )
    _check(questionnaire, rows)
    give_up(questionnaire)
    return ContactImport.objects.create(
        questionnaire=questionnaire,
        file_name=name[:150],
        rows=[asdict(row) for row in rows],
        ignored=ignored,
        created_by=by,
    )


def give_up(questionnaire: Questionnaire) -> None:
    """Forget the file that waits, if there is one."""
    ContactImport.objects.filter(questionnaire=questionnaire, closed_at__isnull=True).update(
        closed_at=timezone.now(), rows=[]
    )


def rows_of(waiting: ContactImport) -> list[Row]:
    return [Row(**stored) for stored in waiting.rows]


def _check(questionnaire: Questionnaire, rows: Sequence[Row]) -> None:
    for row in rows:
        row.cells["email"] = row.cells.get("email", "").lower()
    known = set(questionnaire.contacts.values_list("email", flat=True))
    digests = {address_digest(row.cells["email"]): row.cells["email"] for row in rows}
    left = set(OptOut.objects.filter(digest__in=digests).values_list("digest", flat=True))
    gone = {email for digest, email in digests.items() if digest in left}
    names = _profession_names(questionnaire.model)
    seen: dict[str, int] = {}
    for row in rows:
        email = row.cells["email"]
        _check_email(row, email)
        _check_texts(row, names)
        if row.sentences:
            row.status = "wrong"
        elif email in seen:
            row.status = "wrong"
            row.sentences.append(
                f"Ligne {row.number} : cette adresse est déjà à la ligne {seen[email]} ; elle "
                "n’est gardée qu’une fois."
            )
        elif email in gone:
            row.status = "left"
        elif email in known:
            row.status = "known"
        seen.setdefault(email, row.number)


def _check_email(row: Row, email: str) -> None:
    if not email:
        row.sentences.append(
            f"Ligne {row.number} : l’adresse électronique manque ; écrivez-la, ou retirez la ligne."
        )
        return
    try:
        validate_email(email)
    except ValidationError:
        row.sentences.append(
            f"Ligne {row.number} : « {email} » n’est pas une adresse électronique ; elle doit "
            "ressembler à prenom.nom@exemple.fr."
        )


def _check_texts(row: Row, names: Mapping[str, str]) -> None:
    for key in ("last_name", "first_name"):
        if len(row.cells.get(key, "")) > 100:
            row.sentences.append(
                f"Ligne {row.number}, colonne « {COLUMNS[key]} » : le texte dépasse "
                "100 caractères ; raccourcissez-le."
            )
    typed = row.cells.get("profession", "")
    bare = plain(typed)
    row.profession = names.get(bare) or names.get(bare.removesuffix("s")) or ""
    if typed and not row.profession:
        row.sentences.append(
            f"Ligne {row.number} : « {typed} » n’est pas une profession du questionnaire ; "
            "prenez-la dans sa liste, écrivez « Autre profession », ou laissez la case vide."
        )


def _profession_names(model: QuestionModel) -> dict[str, str]:
    keys = {one.key for one in model.professions}
    others = {name: key for name, key in _PROFESSION_NAMES.items() if key in keys}
    return others | {plain(one.label): one.key for one in model.professions}


# --- Applying -------------------------------------------------------------------------------------


@transaction.atomic
def apply_import(waiting: ContactImport, *, by: User) -> int:
    """Add the rows that are ready; how many. Raises ActionRefusedError when it was done already."""
    questionnaire = Questionnaire.objects.select_for_update().get(pk=waiting.questionnaire_id)
    _require(questionnaire, by)
    waiting = ContactImport.objects.get(pk=waiting.pk)
    if waiting.closed_at:
        raise ActionRefusedError("Cet import a déjà été confirmé ou abandonné.")
    made = []
    for row in rows_of(waiting):
        if row.status != "ready":
            continue
        one = Contact(
            questionnaire=questionnaire,
            email=row.cells["email"],
            last_name=row.cells.get("last_name", ""),
            first_name=row.cells.get("first_name", ""),
            profession=row.profession,
        )
        issue(one)
        made.append(one)
    before = questionnaire.contacts.count()
    Contact.objects.bulk_create(made, ignore_conflicts=True)
    waiting.closed_at, waiting.rows = timezone.now(), []
    waiting.save(update_fields=["closed_at", "rows"])
    return questionnaire.contacts.count() - before


@transaction.atomic
def remove_contact(contact: Contact, *, by: User) -> None:
    """Take somebody off the list: nothing is kept of them."""
    _require(contact.questionnaire, by)
    forget_mails([contact])
    contact.delete()


# --- Writing to them ------------------------------------------------------------------------------


def still_to_ask(questionnaire: Questionnaire) -> "QuerySet[Contact]":
    """Those to whom a mail may leave now: not answered, not left, not bounced, rested."""
    answered = Reply.objects.filter(questionnaire=questionnaire).exclude(email="")
    rested = Q(told_at__isnull=True) | Q(told_at__lte=timezone.now() - REST)
    return (
        Contact.objects.filter(
            rested,
            questionnaire=questionnaire,
            unsubscribed_at__isnull=True,
            told_count__lt=MOST_MAILS,
        )
        .exclude(BOUNCED)
        .exclude(email__in=answered.values("email"))
    )


@transaction.atomic
def ask_contacts(questionnaire: Questionnaire, *, by: User) -> int:
    """Write to all of them: an invitation first, then reminders; how many.

    Raises PermissionDenied, or ActionRefusedError when it is not open, or nobody is left.
    """
    found = Questionnaire.objects.select_for_update().get(pk=questionnaire.pk)
    _require(found, by)
    if not found.is_open:
        raise ActionRefusedError(
            "Le questionnaire n’est pas ouvert : personne ne pourrait y répondre."
        )
    contacts = list(still_to_ask(found).select_for_update(of=("self",)).order_by("pk"))
    if not contacts:
        raise ActionRefusedError(
            f"Il n’y a personne à qui écrire : {REST.days} jours passent entre deux courriels à "
            f"la même personne, et {MOST_MAILS} en tout."
        )
    publish_mails(contacts)
    QuestionnaireLog.objects.create(
        questionnaire=found, action="asked", actor=by, detail=f"{len(contacts)} personnes"
    )
    return len(contacts)


def _require(questionnaire: Questionnaire, by: User) -> None:
    if not rules.may_prepare(questionnaire.community, by):
        raise PermissionDenied
    if questionnaire.forgotten_at:
        raise ActionRefusedError("Ce questionnaire a été effacé : sa liste aussi.")
