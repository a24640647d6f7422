"""A professional answers, corrects, exports or deletes: by a public code, then by their own link.

Answers may arrive by thousands: each writes its own row only, and locks nothing.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.utils import timezone

from communities.models import Community
from mobilisation.links import CODE_LENGTH, address_digest, digest, issue
from mobilisation.models import Contact, OptOut, Questionnaire, Reply
from mobilisation.telling import forget_mails
from outbox.services import publish
from procedures.questionnaires import Question, QuestionKind
from territories.errors import TerritoryError
from territories.models import Commune, TerritoryPart
from territories.pasted_list import read_pasted_list
from workflow.services import ActionRefusedError

# Answers sent from one machine in an hour: a meeting room answers through one address.
MOST_ANSWERS: Final = 300
# Unknown codes tried from one machine in an hour.
MOST_GUESSES: Final = 60
HOUR_SECONDS: Final = 3_600
LONGEST_TEXT: Final = 1_000
CLOSED: Final = "Ce questionnaire n’est plus ouvert : aucune réponse n’a été enregistrée."
# What an author writes of themself, beside the questions.
FIELDS: Final = (
    *("profession", "commune", "place", "interest", "missions", "answers"),
    *("last_name", "first_name", "email", "phone", "structure", "may_contact", "may_name"),
)


# --- Limits ---------------------------------------------------------------------------------------


def may_send(ip: str) -> bool:
    """Whether this machine has not sent too many answers in the last hour; counts this one."""
    return _within("answers", ip, MOST_ANSWERS)


def may_guess(ip: str) -> bool:
    """Whether this machine has not tried too many unknown codes in the last hour; counts one."""
    return _within("guesses", ip, MOST_GUESSES)


def _within(what: str, ip: str, most: int) -> bool:
    key = f"mobilisation:{what}:{sha256(ip.encode()).hexdigest()[:32]}"
    cache.add(key, 0, HOUR_SECONDS)
    try:
        return cache.incr(key) <= most
    except ValueError:  # it has just expired
        return True


# --- Finding --------------------------------------------------------------------------------------


def find_questionnaire(code: str) -> Questionnaire | None:
    """The questionnaire a public code names, once it has been opened."""
    code = code.strip().lower()
    if not re.fullmatch(rf"[a-z0-9]{{{CODE_LENGTH}}}", code):
        return None
    opened = Questionnaire.objects.filter(opened_at__isnull=False)
    return opened.select_related("community", "urps").filter(code=code).first()


def find_reply(token: str) -> Reply | None:
    """The answer an own link names."""
    rows = Reply.objects.select_related(
        "questionnaire__community", "questionnaire__urps", "commune"
    )
    return rows.filter(token_digest=digest(token)).first()


def find_contact(token: str) -> Contact | None:
    rows = Contact.objects.select_related("questionnaire__community")
    return rows.filter(token_digest=digest(token)).first()


def find_place(community: Community, text: str) -> tuple[Commune | None, str]:
    """The commune somebody wrote, or their words when the portal knows none, or several."""
    text = " ".join(text.split())[:100]
    if not text:
        return None, ""
    departments = list(
        TerritoryPart.objects.filter(
            territory__community_link__community=community,
            territory__community_link__valid_to__isnull=True,
        )
        .order_by()
        .values_list("commune__department_id", flat=True)
        .distinct()
    )
    try:
        found = read_pasted_list(
            re.sub(r"[\t;,]", " ", text),
            department_codes=departments,
            region_code=community.region_id,
        )
    except TerritoryError:
        return None, text
    if len(found) == 1 and found[0].status in {"found", "merged_into"}:
        return found[0].commune, ""
    return None, text


# --- Answering ------------------------------------------------------------------------------------


def answer(questionnaire: Questionnaire, values: Mapping[str, Any], *, form_mark: str) -> Reply:
    """Keep an answer and return it; its author's link leaves by mail when they give an address.

    The same form sent twice gives the same answer. With an address that has answered already the
    new answer is set aside: the first one counts, and its author is sent its link.
    Raises ActionRefusedError once the questionnaire is closed.
    """
    if not questionnaire.is_open:
        raise ActionRefusedError(CLOSED)
    if known := Reply.objects.filter(form_mark=form_mark).first():
        return known
    reply = Reply(questionnaire=questionnaire, form_mark=form_mark)
    _fill(reply, values)
    issue(reply)
    try:
        _save(reply)
    except IntegrityError as refused:
        if "form_mark" not in str(refused):
            raise
        return Reply.objects.get(form_mark=form_mark)
    return reply


@transaction.atomic
def correct(reply: Reply, values: Mapping[str, Any]) -> Reply:
    """Write over an answer. Raises ActionRefusedError once the questionnaire is closed."""
    found = Reply.objects.select_for_update(of=("self",)).select_related("questionnaire").get(
        pk=reply.pk
    )  # fmt: skip
    if not found.questionnaire.is_open:
        raise ActionRefusedError(CLOSED)
    before = found.email
    _fill(found, values)
    found.updated_at = timezone.now()
    if found.email != before:
        found.counted = True
    _save(found, is_new_address=found.email != before)
    return found


@transaction.atomic
def delete_reply(reply: Reply) -> None:
    """Its author wants nothing kept of it: the row goes, whatever the questionnaire became."""
    forget_mails([reply])
    Reply.objects.filter(pk=reply.pk).delete()


def _fill(reply: Reply, values: Mapping[str, Any]) -> None:
    for name in FIELDS:
        setattr(reply, name, values[name])
    reply.email = reply.email.strip().lower()
    # Without an address nobody can be written to; without a name, nobody named.
    reply.may_contact = reply.may_contact and bool(reply.email or reply.phone)
    reply.may_name = reply.may_name and bool(reply.last_name)


@transaction.atomic
def _save(reply: Reply, *, is_new_address: bool = True) -> None:
    first = reply
    try:
        with transaction.atomic():
            reply.save()
    except IntegrityError as refused:
        if "reply_one_per_address" not in str(refused):
            raise
        reply.counted = False
        reply.save()
        first = Reply.objects.get(
            questionnaire=reply.questionnaire_id, email=reply.email, counted=True
        )
    if not reply.email or not is_new_address:
        return
    if first is reply:
        publish("mobilisation.thank", key=f"{reply.pk}:{reply.email}", reply=reply.pk)
    else:
        # Once a day at most: nobody fills another's mailbox.
        day = f"{timezone.localdate():%Y%m%d}"
        publish("mobilisation.thank", key=f"{first.pk}:again:{day}", reply=first.pk, again=day)


def data_of(reply: Reply) -> list[tuple[str, str]]:
    """All that is kept of an answer, (what, value), for its author."""
    said = [
        ("Profession", reply.questionnaire.model.profession(reply.profession)),
        ("Lieu d’exercice", str(reply.commune) if reply.commune else reply.place),
        ("Intérêt", str(reply.get_interest_display())),
        ("Missions", ", ".join(mission_labels(reply))),
        *((one.label, said_of(one, reply.answers.get(one.key)))
          for one in reply.questionnaire.questions),
        ("Nom", reply.last_name),
        ("Prénom", reply.first_name),
        ("Adresse électronique", reply.email),
        ("Téléphone", reply.phone),
        ("Structure", reply.structure),
        ("Accepte d’être contacté", "Oui" if reply.may_contact else "Non"),
        ("Accepte d’être nommé dans la lettre", "Oui" if reply.may_name else "Non"),
        ("Réponse donnée le", f"{timezone.localtime(reply.created_at):%d/%m/%Y %H:%M}"),
    ]  # fmt: skip
    return [(label, value) for label, value in said if value]


def mission_labels(reply: Reply) -> list[str]:
    """The missions somebody chose, in the order of the model."""
    return [one.label for one in reply.questionnaire.model.missions if one.key in reply.missions]


def said_of(question: Question, value: Any) -> str:
    """What was answered to a question, in words."""
    match question.kind, value:
        case QuestionKind.SEVERAL, list():
            return ", ".join(question.label_of(str(key)) for key in value)
        case QuestionKind.CHOICE, str() if value:
            return question.label_of(value)
        case QuestionKind.TEXT, str():
            return value
        case _:
            return ""


# --- Being left alone -----------------------------------------------------------------------------


@transaction.atomic
def unsubscribe(contact: Contact) -> None:
    """No more mails to this address, from this questionnaire or from any other."""
    Contact.objects.filter(email=contact.email, unsubscribed_at__isnull=True).update(
        unsubscribed_at=timezone.now()
    )
    OptOut.objects.get_or_create(digest=address_digest(contact.email))
