"""« Mes projets »: what a person's CPTS have filed or are writing, and what to do next."""

from dataclasses import dataclass
from typing import Any, Final

from django.core.paginator import Page
from django.utils.formats import date_format

from accounts.models import User
from cpts_portal.addresses import address
from cpts_portal.paging import page_of
from letters.labels import state_label
from letters.models import LetterOfIntent
from workflow.message_rules import writes_for_team
from workflow.messages import ThreadState, thread_states
from workflow.models import CaseDocument
from workflow.readers import Reader, StateLabel
from workflow.reading import read_seen_page
from workflow.states import CaseState
from workflow.timeline import Line
from writing.content import procedure_of
from writing.documents import RECEIPT
from writing.links import addresses, step_url
from writing.past import Past, read_past
from writing.rules import may_edit
from writing.timeline import timeline

PAGE_SIZE = 20
_ORDER: Final = ("version", "-updated_at", "pk")


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

    def read(start: int, count: int) -> list[LetterOfIntent]:
        return read_seen_page(LetterOfIntent, user, _ORDER, start=start, count=count)

    letters, shown = page_of(read, page, PAGE_SIZE)
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
    return Link(label, address("cases:messages", letter.public_id))


def _action(letter: LetterOfIntent, user: User, documents: list[CaseDocument]) -> Link:
    if may_edit(letter, user):
        first = procedure_of(letter).sections[0].key
        return Link("Continuer la lettre", step_url(letter, first))
    detail = addresses(letter).detail
    if not letter.is_deposited:
        return Link("Lire la lettre", detail)
    if letter.state == CaseState.COMPLETION_REQUESTED:
        asked = address("cases:complements", letter.public_id)
        return Link("Fournir les compléments demandés", asked)
    if letter.state in {CaseState.ACCEPTED, CaseState.REFUSED}:
        return Link("Lire la décision", address("cases:decision", letter.public_id))
    receipt = next((link for link in documents if link.kind == RECEIPT), None)
    if receipt is None:
        return Link("Suivre la lettre", detail)
    return Link(
        "Voir l’accusé de réception",
        address("letters:document", letter.public_id, receipt.document_id),
    )


def _other_links(letter: LetterOfIntent, thread: ThreadState) -> list[Link]:
    detail = addresses(letter).detail
    team = Link("Équipe", address("communities:team", letter.community.public_id))
    roadmap = Link("Feuille de route", address("roadmap:roadmap", letter.community.public_id))
    diagnosis = Link("Diagnostic", address("diagnosis:overview", letter.community.public_id))
    members = Link("Membres", address("members:list", letter.community.public_id))
    if letter.is_deposited:
        unread = thread.unread
        count = f" ({unread} non lu{'s' if unread > 1 else ''})" if unread else ""
        thread_url = address("cases:messages", letter.public_id)
        return [
            Link("Toute la lettre", detail),
            Link(f"Messages{count}", thread_url),
            roadmap,
            diagnosis,
            members,
            team,
        ]
    return [
        Link("Vue d’ensemble", detail),
        Link("Ce qui manque", addresses(letter).missing),
        roadmap,
        diagnosis,
        members,
        team,
    ]
