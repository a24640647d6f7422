"""« Mes projets »: what a person's CPTS have filed or are writing, and what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from django.core.paginator import Page

from accounts.models import User
from cpts_portal.addresses import address
from cpts_portal.paging import page_of
from cpts_portal.words import day
from health_projects.models import HealthProject
from health_projects.opening import ACCEPTED, UNDER_WAY
from health_projects.past import read_past as read_past_of_projects
from health_projects.timeline import timeline as project_timeline
from letters.models import LetterOfIntent
from workflow.kinds import kind_of, kind_of_model
from workflow.message_rules import writes_for_team
from workflow.messages import ThreadState, thread_states
from workflow.models import Case, CaseDocument
from workflow.readers import Reader, StateLabel
from workflow.reading import read_seen_page
from workflow.states import CaseState
from workflow.timeline import Line
from writing.content import procedure_of
from writing.documents import RECEIPT
from writing.links import addresses, step_url
from writing.models import WrittenCase
from writing.past import Past, read_past
from writing.rules import may_edit
from writing.timeline import timeline

PAGE_SIZE = 20
# In the order of the base, what has no day of deposit comes first: the drafts.
_ORDER: Final = ("-deposited_at", "-updated_at", "pk")


@dataclass(frozen=True)
class Link:
    label: str
    url: str


@dataclass(frozen=True)
class Project:
    """One letter, health project or contract of one CPTS as its team sees it."""

    case: Case
    # « Lettre d’intention », « Projet de santé », « Avenant au projet de santé », « Contrat ».
    label: str
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

    def read(start: int, count: int) -> list[Case]:
        return read_seen_page(Case, user, _ORDER, start=start, count=count)

    cases, shown = page_of(read, page, PAGE_SIZE)
    written = _as_written(cases)
    letters = [one for one in written if isinstance(one, LetterOfIntent)]
    projects = [one for one in written if isinstance(one, HealthProject)]
    past = read_past(letters) | read_past_of_projects(projects)
    deposited = [one.pk for one in written if one.is_deposited]
    threads = thread_states(deposited, user)
    begun = _begun(letters)
    nothing = ThreadState()
    by_pk = {
        one.pk: _project(one, user, past[one.pk], threads.get(one.pk, nothing), begun)
        for one in written
    } | {one.pk: _contract(one, user) for one in cases if one.kind == Case.Kind.CONTRACT}
    return [by_pk[one.pk] for one in cases if one.pk in by_pk], shown


def _contract(case: Case, user: User) -> Project:
    """A contract leads to its one page, that says the rest."""
    state = kind_of(case).state_label(case.state, Reader.LEAD)
    labels = {
        CaseState.DRAFT.value: "Voir le projet de contrat",
        CaseState.TO_SIGN.value: "Voir le contrat à signer",
    }
    label = labels.get(case.state, "Mon contrat")
    return Project(
        case=case,
        label="Contrat",
        role=str(case.team_role(user)),
        state=state,
        next_step=state.next_step,
        procedure="",
        action=Link(label, address(kind_of(case).page, case.public_id)),
        others=[
            Link("Feuille de route", address("roadmap:roadmap", case.community.public_id)),
            Link("Membres", address("members:list", case.community.public_id)),
            Link("Équipe", address("communities:team", case.community.public_id)),
        ],
        events=[],
    )


def _as_written(cases: Sequence[Case]) -> list[WrittenCase]:
    """The same cases as instances of their kind, with what was read beside them: a query each."""
    found: dict[int, WrittenCase] = {}
    for model in (LetterOfIntent, HealthProject):
        kind = kind_of_model(model)
        ids = [one.pk for one in cases if one.kind == kind]
        if ids:
            found |= model._base_manager.in_bulk(ids)
    for one in cases:
        if one.pk in found:
            child = found[one.pk]
            child.__dict__ = {**one.__dict__, **child.__dict__}
            child._state.fields_cache |= one._state.fields_cache
    return [found[one.pk] for one in cases if one.pk in found]


def _begun(letters: Sequence[LetterOfIntent]) -> frozenset[int]:
    """The CPTS whose health project is begun already, among those whose letter is accepted."""
    accepted = [one.community_id for one in letters if one.state in ACCEPTED]
    if not accepted:
        return frozenset()
    begun = HealthProject.objects.filter(community__in=accepted, state__in=(*UNDER_WAY, *ACCEPTED))
    return frozenset(begun.values_list("community_id", flat=True))


def _project(
    case: WrittenCase, user: User, past: Past, thread: ThreadState, begun: frozenset[int]
) -> Project:
    state = kind_of(case).state_label(case.state, Reader.LEAD)
    if isinstance(case, HealthProject):
        action = _action_on_project(case, user)
        label = "Avenant au projet de santé" if case.amends_id else "Projet de santé"
        events = project_timeline(
            case, reader=Reader.LEAD, logs=past.logs, documents=past.documents
        )
    else:
        letter = cast(LetterOfIntent, case)
        action = _action(letter, user, past.documents, begun)
        label = "Lettre d’intention"
        events = timeline(letter, reader=Reader.LEAD, logs=past.logs, documents=past.documents)
    return Project(
        case=case,
        label=label,
        role=str(case.team_role(user)),
        state=state,
        next_step=_awaited_answer(thread) or state.next_step,
        procedure=procedure_of(case).label,
        action=_answer(case, user, thread) or action,
        others=[*_contract_link(case), *_other_links(case, thread)],
        events=events,
    )


def _contract_link(case: WrittenCase) -> list[Link]:
    """The contract of a CPTS whose project is validated: opened from there, or read."""
    if not isinstance(case, HealthProject) or case.state not in ACCEPTED or case.amends_id:
        return []
    return [Link("Contrat", address("contracts:draft-open", case.community.public_id))]


def _action_on_project(project: HealthProject, user: User) -> Link:
    detail = addresses(project).detail
    name = "l’avenant" if project.amends_id else "le projet de santé"
    if not project.is_deposited:
        return Link(f"{'Continuer' if may_edit(project, user) else 'Lire'} {name}", detail)
    if project.state == CaseState.COMPLETION_REQUESTED:
        asked = address("cases:complements", project.public_id)
        return Link("Fournir les compléments demandés", asked)
    if project.state in {CaseState.ACCEPTED, CaseState.REFUSED}:
        return Link("Lire la décision", address("cases:decision", project.public_id))
    return Link(f"Suivre {name}", detail)


def _awaited_answer(thread: ThreadState) -> str:
    """What the office waits for, as a sentence; nothing when it waits for nothing."""
    if not thread.to_answer:
        return ""
    by = thread.to_answer_by
    until = f" avant la fin du {day(by)}" if by else ""
    return f"Le bureau en charge attend votre réponse{until}."


def _answer(letter: WrittenCase, user: User, thread: ThreadState) -> Link | None:
    if not thread.to_answer:
        return None
    label = "Répondre au bureau" if writes_for_team(letter, user) else "Lire la demande"
    return Link(label, address("cases:messages", letter.public_id))


def _action(
    letter: LetterOfIntent, user: User, documents: list[CaseDocument], begun: frozenset[int]
) -> Link:
    if may_edit(letter, user):
        first = procedure_of(letter).sections[0].key
        return Link("Continuer la lettre", step_url(letter, first))
    detail = addresses(letter).detail
    if not letter.is_deposited:
        return Link("Lire la lettre", detail)
    if letter.state == CaseState.COMPLETION_REQUESTED:
        asked = address("cases:complements", letter.public_id)
        return Link("Fournir les compléments demandés", asked)
    if letter.state in {*ACCEPTED, CaseState.REFUSED}:
        return _after_decision(letter, begun) or Link("Suivre la lettre", detail)
    return _receipt(letter, documents) or Link("Suivre la lettre", detail)


def _after_decision(letter: LetterOfIntent, begun: frozenset[int]) -> Link | None:
    if letter.state in ACCEPTED and letter.community_id not in begun:
        start = address("projects:start", letter.community.public_id)
        return Link("Préparer le projet de santé", start)
    if letter.state == CaseState.TACITLY_ACCEPTED:
        return None
    return Link("Lire la décision", address("cases:decision", letter.public_id))


def _receipt(letter: LetterOfIntent, documents: list[CaseDocument]) -> Link | None:
    receipt = next((link for link in documents if link.kind == RECEIPT), None)
    if receipt is None:
        return None
    return Link(
        "Voir l’accusé de réception",
        address("letters:document", letter.public_id, receipt.document_id),
    )


def _other_links(letter: WrittenCase, thread: ThreadState) -> list[Link]:
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
            Link(f"Tout{letter.words.e} {letter.words.the}", detail),
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
