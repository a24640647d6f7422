"""The official documents of a project as its page shows them: ready, or on their way."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from cpts_portal.words import hour
from health_projects.documents import (
    CERTIFICATE,
    COMPLETION_RECEIPT,
    DEPOSITED,
    LABELS,
    PROJECT,
    RECOGNITION,
)
from health_projects.models import HealthProject
from outbox.progress import Standing, Work, under_way
from workflow.models import CaseDocument, TransitionLog
from workflow.states import CaseState
from writing.past import Past


@dataclass(frozen=True)
class Paper:
    """A document that is there, or that the portal prepares."""

    label: str
    document: CaseDocument | None


@dataclass(frozen=True)
class Papers:
    """The documents of a project, in the order they were issued; those to come at the end."""

    lines: Sequence[Paper]
    # How many documents of the last act are ready, of how many; `label` says it.
    ready: int = 0
    expected: int = 0
    label: str = ""
    # What the reader has to know of those on their way; nothing when all are ready.
    said: str = ""
    has_failed: bool = False

    @property
    def is_waiting(self) -> bool:
        return bool(self.said)


def papers_of(project: HealthProject, past: Past) -> Papers:
    """The documents of a project, read in `past`: one query more while some are on their way."""
    lines = [Paper(LABELS[one.kind], one) for one in past.documents]
    expected = list(_expected(project))
    there = {one.kind for one in past.current}
    missing = [kind for kind in expected if kind not in there]
    works = under_way(_keys(project, past.logs)) if missing else []
    if not works:
        return Papers(lines)
    ready = len(expected) - len(missing)
    return Papers(
        [*lines, *(Paper(LABELS[kind], None) for kind in missing)],
        ready=ready,
        expected=len(expected),
        label=f"{ready} document{'s' if ready > 1 else ''} prêt{'s' if ready > 1 else ''} sur "
        f"{len(expected)}",
        said=_said(project, works),
        has_failed=any(work.standing in _FAILED for work in works),
    )


def next_key(project: HealthProject, left: int) -> str:
    """Of the work that draws what is left to draw of a deposit."""
    return f"{project.pk}:{project.version}:{left}"


def _expected(project: HealthProject) -> Iterator[str]:
    """The kinds of documents that the last version, and what was decided of it, are to have."""
    if not project.version:
        return
    filing = project.filing or {}
    if not project.is_deposited:
        yield PROJECT
    elif filing.get("version", project.version) == project.version:
        yield from DEPOSITED
    else:
        yield from (PROJECT, COMPLETION_RECEIPT)
    if project.state == CaseState.TACITLY_ACCEPTED:
        yield CERTIFICATE
    if project.state in {CaseState.ACCEPTED, CaseState.TACITLY_ACCEPTED} and not project.amends_id:
        yield RECOGNITION


def _keys(project: HealthProject, logs: Iterable[TransitionLog]) -> Iterator[str]:
    """Under which the works that draw these documents were published."""
    version = f"{project.pk}:{project.version}"
    for act in ("frozen", "deposited", "completed"):
        yield f"health_projects.{act}:{version}"
    for left in range(1, len(DEPOSITED)):
        yield f"health_projects.deposited:{next_key(project, left)}"
    for log in logs:
        yield f"health_projects.deemed_valid:{log.pk}"
        yield f"health_projects.recognised:{log.pk}"


_FAILED: Final = frozenset({Standing.DELAYED, Standing.STOPPED})
# What a reader is told first when several works are left.
_ORDER: Final = (Standing.STOPPED, Standing.DELAYED, Standing.RUNNING, Standing.QUEUED)


def _said(project: HealthProject, works: Sequence[Work]) -> str:
    first = min(works, key=lambda work: _ORDER.index(work.standing))
    contact = settings.PORTAL_CONTACT_EMAIL
    whom = (
        f"écrivez à {contact or 'l’exploitant du portail'} en donnant la référence "
        f"{project.reference}."
    )
    match first.standing:
        case Standing.STOPPED:
            return (
                "La préparation a échoué à plusieurs reprises, et le portail n’essaie plus. Rien "
                f"n’est perdu de ce qui est enregistré\u00a0: {whom}"
            )
        case Standing.DELAYED:
            return (
                "Un document n’a pas pu être établi. Rien n’est perdu\u00a0: le portail recommence "
                f"de lui-même vers {hour(first.at)}. S’il manque encore dans une heure, {whom}"
            )
        case Standing.RUNNING:
            return (
                f"Le portail établit un document depuis {hour(first.at)}\u00a0: un projet qui a "
                "beaucoup de fiches et de signataires demande parfois quelques minutes. Vous "
                "pouvez fermer cette page."
            )
    return (
        "En attente\u00a0: le portail s’en occupe d’ordinaire en quelques secondes. Vous pouvez "
        "fermer cette page."
    )
