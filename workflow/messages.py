"""The one thread of messages of a case, between its team and the office in charge."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Page
from django.db import connection, transaction
from django.db.models import Prefetch, Q
from django.db.models.expressions import RawSQL
from django.utils import timezone

from accounts.models import User
from accounts.viewers import stand_in, viewer_of
from cpts_portal.composed import Composed, Given
from cpts_portal.paging import read_page
from documents.services import FileRefusedError, store_attachment
from outbox.services import publish
from procedures.schema import FILE_KINDS
from workflow import message_rules as rules
from workflow.message_templates import blanks
from workflow.models import Case, Message, MessageDraft, MessageFile, MessageRead
from workflow.models.messages import LONGEST_MESSAGE, Side
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError

if TYPE_CHECKING:
    from django.db.models import QuerySet

PAGE_SIZE: Final = 20
LONGEST_SUBJECT: Final = 150
MOST_FILES: Final = 10
# Each message is a mail to several people: nobody writes to them by the hundred.
MOST_AN_HOUR: Final = 30
# An answer awaited later than this is a slip of the keyboard.
LONGEST_WAIT: Final = timedelta(days=366)
# The types a letter's pieces may have.
CONTENT_TYPES: Final = frozenset(t for kind in FILE_KINDS.values() for t in kind.content_types)
EXTENSIONS: Final = tuple(e for kind in FILE_KINDS.values() for e in kind.extensions)
ACCEPT_LABEL: Final = "PDF, JPEG, PNG, Word, Excel ou OpenDocument"


# --- Writing -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a person wrote in the form, trimmed; `answers` are the questions it answers, by id."""

    text: str = ""
    subject: str = ""
    answer_expected: bool = False
    answer_by: date | None = None
    answers: frozenset[int] = frozenset()

    @classmethod
    def of(cls, *, text: str, subject: str = "", **rest: Any) -> "Written":
        """Line ends as one character, no invisible zero, a subject on one line."""
        text = text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n").strip()
        subject = " ".join(subject.replace("\0", "").split(" ")).strip()
        if rest.get("answer_by"):
            rest["answer_expected"] = True
        return cls(text=text, subject=subject, **rest)


def text_problems(text: str) -> list[str]:
    """What keeps a text from being kept, as sentences."""
    if len(text) <= LONGEST_MESSAGE:
        return []
    sentence = (
        f"Votre message compte {_figure(len(text))} caractères ; il en accepte "
        f"{_figure(LONGEST_MESSAGE)} au plus. Raccourcissez-le, ou joignez le texte dans un "
        "fichier."
    )
    return [sentence]


def date_problems(answer_by: date | None) -> list[str]:
    """What is wrong with the day an answer is asked for."""
    today = timezone.localdate()
    if answer_by is None or today <= answer_by <= today + LONGEST_WAIT:
        return []
    if answer_by < today:
        return [f"Le {answer_by:%d/%m/%Y} est passé : choisissez aujourd’hui ou un jour à venir."]
    return [f"Le {answer_by:%d/%m/%Y} est dans plus d’un an : vérifiez la date."]


def _figure(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")


@transaction.atomic
def send_message(case: Case, *, user: User, written: Written, submission: uuid.UUID) -> Message:
    """Send a message to the other side, with the files of the person's draft.

    The same form sent twice is one message. Questions named in `written.answers` are settled.

    Raises PermissionDenied, or ActionRefusedError with the sentence to show.
    """
    case = _locked(case, user)
    same = Message.objects.filter(case=case, author=user, submission=submission).first()
    if same is not None:
        if same.text == written.text:
            return same
        # The page was opened again from the history, and the text changed: another message.
        submission = uuid.uuid4()
    wrong = [*text_problems(written.text), *date_problems(written.answer_by)]
    if not written.text:
        wrong.append("Le message est vide : écrivez ce que vous voulez dire, puis envoyez-le.")
    if left := blanks(written.text):
        wrong.append(
            f"Le message contient encore {', '.join(left)} : complétez ou effacez ce passage."
        )
    if len(written.subject) > LONGEST_SUBJECT:
        wrong.append(f"L’objet compte plus de {LONGEST_SUBJECT} caractères : raccourcissez-le.")
    if wrong:
        raise ActionRefusedError(" ".join(wrong))
    _refuse_a_flood(user)
    side = Side.TEAM if user.acting is None else Side.OFFICE
    message = Message.objects.create(
        case=case,
        side=side,
        office_id=cast(int, case.office_id),
        author=user,
        subject=written.subject,
        text=written.text,
        submission=submission,
        answer_expected=written.answer_expected,
        answer_by=written.answer_by,
    )
    Message.objects.awaiting_answer().filter(
        case=case, side=side.other, pk__in=written.answers
    ).update(settled_at=message.sent_at, settled_by=user, settled_with=message)
    draft = draft_of(case, user)
    if draft is not None:
        draft.files.update(draft=None, message=message)
        draft.delete()
    publish("workflow.announce_message", key=str(message.pk), message_id=message.pk)
    return message


@transaction.atomic
def stop_waiting(message: Message, *, user: User) -> None:
    """The side that asked no longer waits for an answer. Doing it twice does it once.

    Raises PermissionDenied for whoever does not write for that side.
    """
    case = _locked(message.case, user)
    side = Side.TEAM if user.acting is None else Side.OFFICE
    if message.side != side:
        raise PermissionDenied("Seuls ceux qui attendent une réponse peuvent y renoncer.")
    Message.objects.awaiting_answer().filter(case=case, pk=message.pk).update(
        settled_at=timezone.now(), settled_by=user
    )


def _locked(case: Case, user: User) -> Case:
    """The case as it stands, locked, if the person may still write about it.

    Raises PermissionDenied when they may not.
    """
    Case.objects.select_for_update().get(pk=case.pk)
    case = Case.objects.select_related("community").get(pk=case.pk)
    if not rules.may_write(case, user):
        raise PermissionDenied(
            "Vous pouvez lire ces messages, pas en écrire. Seuls les responsables et les "
            "rédacteurs de la CPTS, et le bureau en charge du dossier, s’écrivent ici."
        )
    still_holds_their_role(user)
    return case


def _refuse_a_flood(user: User) -> None:
    since = timezone.now() - timedelta(hours=1)
    if Message.objects.filter(author=user, sent_at__gte=since).count() >= MOST_AN_HOUR:
        raise ActionRefusedError(
            f"Vous avez envoyé {MOST_AN_HOUR} messages en une heure : attendez un peu. Votre texte "
            "reste ici."
        )


# --- The draft ---------------------------------------------------------------------------


def draft_of(case: Case, user: User) -> MessageDraft | None:
    """What the person has begun to write on this case, in the role they act in."""
    organisation = user.acting.organisation_id if user.acting else None
    return MessageDraft.objects.filter(case=case, author=user, organisation=organisation).first()


@transaction.atomic
def save_draft(case: Case, *, user: User, written: Written) -> MessageDraft:
    """Keep what the person has written, for them alone.

    Raises PermissionDenied, or ActionRefusedError for a text too long to be kept.
    """
    case = _locked(case, user)
    if wrong := text_problems(written.text):
        raise ActionRefusedError(" ".join(wrong))
    draft = draft_of(case, user) or _new_draft(case, user)
    draft.text, draft.subject = written.text, written.subject[:LONGEST_SUBJECT]
    draft.answer_expected, draft.answer_by = written.answer_expected, written.answer_by
    draft.saved_at = timezone.now()
    draft.save()
    return draft


def _new_draft(case: Case, user: User) -> MessageDraft:
    organisation = user.acting.organisation if user.acting else None
    return MessageDraft(case=case, author=user, organisation=organisation)


@transaction.atomic
def add_files(case: Case, files: Iterable[UploadedFile], *, user: User) -> list[str]:
    """Put files in the person's draft; returns why each other one was not kept, as sentences.

    Raises PermissionDenied.
    """
    case = _locked(case, user)
    draft = draft_of(case, user)
    refusals = []
    for file in files:
        if draft is None:
            draft = _new_draft(case, user)
            draft.save()
        if draft.files.count() >= MOST_FILES:
            refusals.append(
                f"Un message accepte {MOST_FILES} fichiers au plus : « {file.name} » n’a pas été "
                "gardé. Envoyez-le avec un autre message."
            )
            continue
        try:
            attachment = store_attachment(
                file, content_types=CONTENT_TYPES, accept_label=ACCEPT_LABEL, user=user
            )
        except FileRefusedError as refused:
            refusals.append(refused.message)
        else:
            MessageFile.objects.create(draft=draft, attachment=attachment)
    return refusals


@transaction.atomic
def remove_file(case: Case, attachment_id: uuid.UUID, *, user: User) -> None:
    """Take a file out of the person's draft, and its bytes once that has committed."""
    case = _locked(case, user)
    link = (
        MessageFile.objects.filter(draft=draft_of(case, user), draft__isnull=False)
        .select_related("attachment")
        .filter(attachment=attachment_id)
        .first()
    )
    if link is not None:
        attachment = link.attachment
        link.delete()
        attachment.delete()
        transaction.on_commit(lambda: attachment.file.delete(save=False))


def readable_file(case: Case, attachment_id: uuid.UUID, user: User) -> MessageFile | None:
    """A file of a message the person reads, or of their own draft; None for any other."""
    organisation = user.acting.organisation_id if user.acting else None
    own = Q(draft__author=user, draft__organisation=organisation)
    readable = Q(message__in=Message.objects.visible_to(user).filter(case=case))
    return (
        MessageFile.objects.filter(own & Q(draft__case=case) | readable)
        .filter(attachment=attachment_id)
        .select_related("attachment")
        .first()
    )


# --- Reading -----------------------------------------------------------------------------


@dataclass
class ThreadLine:
    """One message as a person reads it."""

    message: Message
    # On whose behalf it speaks: the CPTS or the office.
    sender: str
    # Written by the reader's own side.
    is_ours: bool
    # The reader had not opened it yet.
    is_new: bool
    # Who has opened it on the side it was sent to, or on the reader's own.
    reads: list[MessageRead] = field(default_factory=list)
    is_late: bool = False
    may_stop: bool = False


def sees_thread(case: Case, user: User) -> bool:
    """Whether the thread of a case they may see is open to a person: a query for some offices."""
    if user.acting is None or case.office_id == user.acting.organisation_id:
        return case.is_deposited
    if user.acting.organisation.kind not in rules.OFFICES:
        return False
    return Message.objects.filter(case=case, office=user.acting.organisation_id).exists()


def read_thread(case: Case, user: User, page: str | None) -> tuple[list[ThreadLine], Page[Any]]:
    """One page of the thread, newest first, and its Page, in three queries."""
    reads = MessageRead.objects.select_related("user")
    body = user.acting.organisation_id if user.acting else None
    if body is not None and body != case.office_id:
        # Who has read since the hand-over is the business of those who took over.
        reads = reads.filter(Q(organisation__isnull=True) | Q(organisation=body))
    found = (
        Message.objects.visible_to(user)
        .filter(case=case)
        .select_related("author", "office", "settled_by")
        .prefetch_related(
            Prefetch("reads", queryset=reads),
            Prefetch("files", queryset=MessageFile.objects.select_related("attachment")),
        )
    )
    messages, shown = read_page(found, page, PAGE_SIZE)
    ours = Side.TEAM if user.acting is None else Side.OFFICE
    may_write = rules.may_write(case, user)
    return [_line(one, case, user, ours, may_write=may_write) for one in messages], shown


def _line(message: Message, case: Case, user: User, ours: Side, *, may_write: bool) -> ThreadLine:
    readers = [read for read in message.reads.all() if read.user_id != message.author_id]
    is_ours = message.side == ours
    return ThreadLine(
        message=message,
        sender=case.title if message.side == Side.TEAM else message.office.name,
        is_ours=is_ours,
        is_new=not is_ours and not any(read.user_id == user.pk for read in readers),
        # Our own colleagues' reading matters for what we received, the others' for what we sent.
        reads=[read for read in readers if read.side != message.side],
        is_late=_is_late(message),
        may_stop=may_write and is_ours and message.is_awaiting,
    )


def _is_late(message: Message) -> bool:
    return (
        message.is_awaiting
        and message.answer_by is not None
        and message.answer_by < timezone.localdate()
    )


def mark_read(case: Case, lines: Iterable[ThreadLine], *, user: User) -> None:
    """Note that the person has opened these messages; the first time counts."""
    side = rules.reading_side(case, user)
    new = [line.message for line in lines if line.is_new]
    if side and new:
        organisation = user.acting.organisation if user.acting else None
        MessageRead.objects.bulk_create(
            [
                MessageRead(message=one, user=user, side=side, organisation=organisation)
                for one in new
            ],
            ignore_conflicts=True,
        )


def open_questions(case: Case, user: User) -> "QuerySet[Message]":
    """What the other side asked and still waits for, oldest first, for whoever may answer."""
    if not rules.may_write(case, user):
        return Message.objects.none()
    ours = Side.TEAM if user.acting is None else Side.OFFICE
    return (
        Message.objects.visible_to(user)
        .awaiting_answer()
        .filter(case=case, side=ours.other)
        .select_related("author", "office")
        .order_by("sent_at", "pk")
    )


@dataclass(frozen=True)
class ThreadState:
    """What a list says of the thread of a case, for one reader."""

    unread: int = 0
    # Questions the reader's side must answer, and the first day one is asked for.
    to_answer: int = 0
    to_answer_by: date | None = None
    # Questions the reader's side waits on.
    awaited: int = 0
    awaited_by: date | None = None


def thread_states(cases: Collection[int], user: User) -> dict[int, ThreadState]:
    """The thread of each of these cases in brief, for those that have one: one query."""
    if not cases:
        return {}
    ours = Side.TEAM if user.acting is None else Side.OFFICE
    viewer = viewer_of(user)
    seen = _seen_messages(viewer.shape)
    parameters = seen.parameters(cases=list(cases), **viewer._asdict())
    with connection.cursor() as cursor:
        cursor.execute(_THREADS.format(seen=seen.sql), [ours.other, user.pk, *parameters])
        return {case: ThreadState(*state) for case, *state in cursor.fetchall()}


@lru_cache
def _seen_messages(shape: tuple[bool, bool]) -> Composed:
    """What `visible_to` lets through for a viewer of this shape."""
    cases = RawSQL("SELECT unnest(%s::bigint[])", [Given("cases")])
    seen = Message.objects.seen_by(stand_in(shape)).filter(case__in=cases)
    return Composed(lambda: seen.order_by().values("pk"))


# Written by hand around what `visible_to` lets through: composing the five counts for each page
# of a list took longer than running them.
_THREADS: Final = """
    SELECT message.case_id,
           count(*) FILTER (WHERE theirs AND is_unread),
           count(*) FILTER (WHERE theirs AND is_open),
           min(message.answer_by) FILTER (WHERE theirs AND is_open),
           count(*) FILTER (WHERE NOT theirs AND is_open),
           min(message.answer_by) FILTER (WHERE NOT theirs AND is_open)
      FROM workflow_message AS message
     CROSS JOIN LATERAL (
               SELECT message.side = %s AS theirs,
                      message.answer_expected AND message.settled_at IS NULL AS is_open,
                      NOT EXISTS (
                          SELECT FROM workflow_messageread AS read
                           WHERE read.message_id = message.id AND read.user_id = %s
                      ) AS is_unread
           ) AS told
     WHERE message.id IN ({seen})
     GROUP BY message.case_id
"""
