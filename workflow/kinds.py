"""What the shared pages need to know of each kind of case: each kind declares itself.

A kind of case never imports another, and the shared code imports none: it looks here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workflow.readers import Audience, Reader, StateLabel

if TYPE_CHECKING:
    from workflow.models import Case, TransitionLog


@dataclass(frozen=True, kw_only=True)
class CaseKind:
    """A kind of case: its model, its own page, its words."""

    kind: str
    model: "type[Case]"
    # « Lettre d’intention », as titles say it; « la lettre », as sentences do.
    label: str
    short: str
    # Name of the address of its page, which takes the public id of the case.
    page: str
    # What `page` is called among the tabs of a case.
    tab: str
    state_label: Callable[[str, Reader], StateLabel]
    transition_label: "Callable[[TransitionLog, Reader], str]"
    # Who reads that a transition happened, and the comment that goes with it. A transition
    # that was forgotten stays inside the office.
    transition_audience: Callable[[str], Audience] = lambda _transition: Audience.OFFICE
    comment_audience: Callable[[str], Audience] = lambda _transition: Audience.OFFICE
    # Who signed the deposit, as letters and messages name them; empty when nobody did.
    referent: "Callable[[Any], str]" = lambda _case: ""
    # Key of the document that is the case itself, as `CaseDocument.kind`; empty for none.
    document: str = ""
    # What may be asked to complete, in the order of the form, and the page where it is done.
    targets: "Callable[[Any], list[Target]]" = lambda _case: []
    target_url: "Callable[[Any, str], str]" = lambda _case, _key: ""


@dataclass(frozen=True)
class Target:
    """Something of a case that its team can be asked to complete."""

    key: str
    label: str
    # « field », « attachment » or « territory ».
    kind: str
    # The heading it stands under.
    group: str


_kinds: dict[str, CaseKind] = {}


def declare_kind(kind: CaseKind) -> None:
    _kinds[kind.kind] = kind


def declared_kinds() -> frozenset[str]:
    """The kinds of case the portal handles."""
    return frozenset(_kinds)


def kind_named(kind: str) -> CaseKind:
    """Raises LookupError for a kind that declared nothing."""
    return _kinds[kind]


def kind_of(case: "Case") -> CaseKind:
    """Raises LookupError for a kind that declared nothing."""
    return _kinds[case.kind]


def child_of(case: "Case") -> "Case":
    """The same case as an instance of its own kind, which has the transitions: one query."""
    model = kind_of(case).model
    if isinstance(case, model):
        return case
    return model._base_manager.select_related("community").get(pk=case.pk)


def is_declared(model: "type[Case]") -> bool:
    """Whether a model of cases has declared its kind: it has a machine and pages."""
    return any(one.model is model for one in _kinds.values())


def kind_of_model(model: "type[Case]") -> str:
    """The kind a model of cases declared. Raises LookupError for one that declared nothing."""
    found = next((one.kind for one in _kinds.values() if one.model is model), None)
    if found is None:
        raise LookupError(f"{model.__name__} declared no kind of case")
    return found
