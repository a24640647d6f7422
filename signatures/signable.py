"""What a kind of case declares so that its members can sign it.

A kind of case never imports another, and this room imports none of them: it looks here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from signatures.costs import Change, ChangeKind
from workflow.diff import Comparison, compare
from workflow.models import Case, CaseDocument, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable


def last_snapshot(case: Case) -> Snapshot | None:
    """The last content that was frozen of a case."""
    # Its content is large, and read only to be compared: then, in one query more.
    versions = Snapshot.objects.filter(case_id=case.pk).defer("content")
    return versions.order_by("-version").first()


def compared(before: Snapshot, after: Snapshot) -> Comparison:
    """What differs between two frozen contents, shown to who holds an old link."""
    return compare(before.content, after.content)


def everything(before: Snapshot, after: Snapshot) -> "Sequence[Change]":
    """The changes of a kind that says nothing of their cost: any difference asks everyone."""
    if compare(before.content, after.content).is_empty:
        return ()
    return (Change(ChangeKind.CONTENT, "Contenu du dossier"),)


@dataclass(frozen=True, kw_only=True)
class Signable:
    """How the signatures of a kind of case are asked."""

    kind: str
    # « le projet de santé », as sentences say it; « projet de santé », as titles do.
    short: str
    label: str
    # The kind of the official document that is signed.
    document_kind: str
    title: Callable[[Case], str] = lambda case: case.title
    # The version to sign: None while there is none.
    snapshot: Callable[[Case], Snapshot | None] = last_snapshot
    # What changed from one version to the next, to read.
    difference: Callable[[Snapshot, Snapshot], Comparison] = compared
    # The same as changes that cost signatures: see `signatures.costs`.
    changes: Callable[[Snapshot, Snapshot], Sequence[Change]] = everything
    # Other cases whose signatures this one may keep, by number: those that it amends.
    earlier: Callable[[Case], Sequence[int]] = lambda _case: ()
    # Whether the case still may be signed.
    is_closed: Callable[[Case], bool] = lambda _case: False


_signables: dict[str, Signable] = {}


def declare_signable(signable: Signable) -> None:
    """Say how the cases of a kind are signed. Called when Django starts."""
    _signables[signable.kind] = signable


def forget_signable(kind: str) -> None:
    """Undo a declaration, for tests."""
    _signables.pop(kind, None)


def signable_of(case: Case) -> Signable:
    """Raises LookupError for a kind that is not signed."""
    return _signables[case.kind]


def signable_kinds() -> "Iterable[str]":
    return tuple(_signables)


def document_of(snapshot: Snapshot, signable: Signable) -> CaseDocument | None:
    """The official document of a version, once the worker has issued it."""
    return (
        CaseDocument.objects.filter(
            snapshot=snapshot, kind=signable.document_kind, about__isnull=True
        )
        .select_related("document")
        .first()
    )
