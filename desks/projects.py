"""« Mes projets »: what a person's CPTS have filed or are writing, and what to do next."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from django.core.paginator import Page
from django.urls import reverse
from django.utils.formats import date_format

from accounts.models import User
from cpts_portal.paging import read_page
from letters.content import procedure_of
from letters.documents import RECEIPT
from letters.labels import state_label
from letters.models import LetterOfIntent
from letters.past import Past, read_past
from letters.rules import may_edit
from letters.timeline import timeline
from workflow.message_rules import writes_for_team
from workflow.messages import ThreadState, thread_states
from workflow.models import CaseDocument
from workflow.readers import Reader, StateLabel
from workflow.reading import read_cases
from workflow.states import CaseState
from workflow.timeline import Line

PAGE_SIZE = 20


@dataclass(frozen=True)
class Link:
    label: str
    url: str


@dataclass(frozen=True)
class Project:
    """One letter of one CPTS as its team sees it."""

    letter: LetterOfIntent
    role: str
    state: StateLabel
    # What comes next, in a sentence: what the office waits for, before what the state says.
    next_step: str
    procedure: str
    # The one thing to do next.
    action: Link
    others: list[Link]
    events: list[Line]


def read_projects(user: User, page: str | None) -> tuple[list[Project], Page[Any]]:
    """One page of the person's projects, drafts first then the newest, and its Page."""
    letters, shown = read_page(
        LetterOfIntent.objects.visible_to(user).order_by("version", "-updated_at", "pk"),
        page,
        PAGE_SIZE,
        read=partial(read_cases, LetterOfIntent),
    )
    past = read_past(letters)
    deposited = [letter.pk for letter in letters if letter.is_deposited]
    threads = thread_states(deposited, user)
    nothing = ThreadState()
    return [
        _project(one, user, past[one.pk], threads.get(one.pk, nothing)) for one in letters
    ], shown


def _project(letter: LetterOfIntent, user: User, past: Past, thread: ThreadState) -> Project:
    state = state_label(letter.state, Reader.LEAD)
    return Project(
        letter=letter,
        role=str(letter.team_role(user)),
        state=state,
        next_step=_awaited_answer(thread) or state.next_step,
        procedure=procedure_of(letter).label,
        action=_answer(letter, user, thread) or _action(letter, user, past.documents),
        others=_other_links(letter, thread),
        events=timeline(letter, reader=Reader.LEAD, logs=past.logs, documents=past.documents),
    )


def _awaited_answer(thread: ThreadState) -> str:
    """What the office waits for, as a sentence; nothing when it waits for nothing."""
    if not thread.to_answer:
        return ""
    by = thread.to_answer_by
    until = f" avant la fin du {date_format(by, 'j F Y')}" if by else ""
    return f"Le bureau en charge attend votre réponse{until}."


def _answer(letter: LetterOfIntent, user: User, thread: ThreadState) -> Link | None:
    if not thread.to_answer:
        return None
    label = "Répondre au bureau" if writes_for_team(letter, user) else "Lire la demande"
    return Link(label, reverse("cases:messages", args=[letter.public_id]))


def _action(letter: LetterOfIntent, user: User, documents: list[CaseDocument]) -> Link:
    if may_edit(letter, user):
        first = procedure_of(letter).sections[0].key
        return Link("Continuer la lettre", reverse("letters:step", args=[letter.public_id, first]))
    detail = reverse("letters:detail", args=[letter.public_id])
    if not letter.is_deposited:
        return Link("Lire la lettre", detail)
    if letter.state == CaseState.COMPLETION_REQUESTED:
        asked = reverse("cases:complements", args=[letter.public_id])
        return Link("Fournir les compléments demandés", asked)
    if letter.state in {CaseState.ACCEPTED, CaseState.REFUSED}:
        return Link("Lire la décision", reverse("cases:decision", args=[letter.public_id]))
    receipt = next((link for link in documents if link.kind == RECEIPT), None)
    if receipt is None:
        return Link("Suivre la lettre", detail)
    return Link(
        "Voir l’accusé de réception",
        reverse("letters:document", args=[letter.public_id, receipt.document_id]),
    )


def _other_links(letter: LetterOfIntent, thread: ThreadState) -> list[Link]:
    detail = reverse("letters:detail", args=[letter.public_id])
    team = Link("Équipe", reverse("communities:team", args=[letter.community.public_id]))
    members = Link("Membres", reverse("members:list", args=[letter.community.public_id]))
    if letter.is_deposited:
        unread = thread.unread
        count = f" ({unread} non lu{'s' if unread > 1 else ''})" if unread else ""
        thread_url = reverse("cases:messages", args=[letter.public_id])
        return [
            Link("Toute la lettre", detail),
            Link(f"Messages{count}", thread_url),
            members,
            team,
        ]
    return [
        Link("Vue d’ensemble", detail),
        Link("Ce qui manque", reverse("letters:missing", args=[letter.public_id])),
        members,
        team,
    ]
