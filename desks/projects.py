"""« Mes projets »: what a person's CPTS have filed or are writing, and what to do next."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page
from django.db.models import Prefetch, prefetch_related_objects
from django.urls import reverse

from accounts.models import User
from cpts_portal.paging import read_page
from letters.content import procedure_of
from letters.documents import KINDS, RECEIPT
from letters.labels import state_label
from letters.models import LetterOfIntent
from letters.rules import may_edit
from letters.timeline import Event, timeline
from workflow.models import CaseDocument, TransitionLog
from workflow.readers import Reader, StateLabel

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
    procedure: str
    # The one thing to do next.
    action: Link
    others: list[Link]
    events: list[Event]


def read_projects(user: User, page: str | None) -> tuple[list[Project], Page[Any]]:
    """One page of the person's projects, drafts first then the newest, and its Page."""
    letters, shown = read_page(
        LetterOfIntent.objects.visible_to(user)
        .select_related("community", "region", "office")
        .order_by("version", "-updated_at", "pk"),
        page,
        PAGE_SIZE,
    )
    # A draft has neither log nor document.
    prefetch_related_objects(
        [letter for letter in letters if letter.is_deposited],
        Prefetch("transition_logs", TransitionLog.objects.select_related("actor")),
        Prefetch(
            "documents", CaseDocument.objects.filter(kind__in=KINDS).select_related("document")
        ),
    )
    return [_project(letter, user) for letter in letters], shown


def _project(letter: LetterOfIntent, user: User) -> Project:
    logs = list(letter.transition_logs.all()) if letter.is_deposited else []
    documents = list(letter.documents.all()) if letter.is_deposited else []
    return Project(
        letter=letter,
        role=str(letter.team_role(user)),
        state=state_label(letter.state, Reader.LEAD),
        procedure=procedure_of(letter).label,
        action=_action(letter, user, documents),
        others=_other_links(letter),
        events=timeline(letter, reader=Reader.LEAD, logs=logs, documents=documents),
    )


def _action(letter: LetterOfIntent, user: User, documents: list[CaseDocument]) -> Link:
    if may_edit(letter, user):
        first = procedure_of(letter).sections[0].key
        return Link("Continuer la lettre", reverse("letters:step", args=[letter.public_id, first]))
    detail = reverse("letters:detail", args=[letter.public_id])
    if not letter.is_deposited:
        return Link("Lire la lettre", detail)
    receipt = next((link for link in documents if link.kind == RECEIPT), None)
    if receipt is None:
        return Link("Suivre la lettre", detail)
    return Link(
        "Voir l’accusé de réception",
        reverse("letters:document", args=[letter.public_id, receipt.document_id]),
    )


def _other_links(letter: LetterOfIntent) -> list[Link]:
    detail = reverse("letters:detail", args=[letter.public_id])
    team = Link("Équipe", reverse("communities:team", args=[letter.community.public_id]))
    if letter.is_deposited:
        return [Link("Toute la lettre", detail), team]
    return [
        Link("Vue d’ensemble", detail),
        Link("Ce qui manque", reverse("letters:missing", args=[letter.public_id])),
        team,
    ]
