"""What the form's pages need to know of each kind of case written from one: it declares itself.

As `workflow.kinds`, for the kinds that are written: this room imports none of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from django.utils.safestring import SafeString

from procedures.schema import Field, FieldKind

if TYPE_CHECKING:
    from workflow.models import Case
    from writing.content import Missing, WrittenContent
    from writing.models import WrittenCase


@dataclass(frozen=True, kw_only=True)
class Words:
    """How sentences name a kind of case. What agrees with it: `e`, `it`, `direct`."""

    # « lettre d’intention ».
    label: str
    # « la lettre », « une lettre », « cette lettre », « de la lettre », « à la lettre ».
    the: str
    a: str
    this: str
    of_the: str
    to_the: str
    is_feminine: bool

    @property
    def e(self) -> str:
        """What a participle takes: « déposé » + `e`."""
        return "e" if self.is_feminine else ""

    @property
    def it(self) -> str:
        """« elle » or « il »."""
        return "elle" if self.is_feminine else "il"

    @property
    def direct(self) -> str:
        """« la » or « le », before a verb."""
        return "la" if self.is_feminine else "le"


class OwnField(Protocol):
    """A field whose content is rows of the kind's own, written on a page of the kind's own.

    `held` is what `read` gave: it is asked once when the content is read, in a constant number
    of queries, and is all that the other methods need.
    """

    def read(self, case: Any, field: Field) -> Any:
        """What the case holds of it now."""

    def missing(self, field: Field, held: Any) -> list[str]:
        """What keeps the case from being deposited, as sentences."""

    def is_touched(self, held: Any) -> bool:
        """Whether anything is written: how far the step is."""

    def in_step(self, case: Any, field: Field, held: Any, *, may_edit: bool) -> SafeString:
        """What the step shows of it: its state, and the way to its page."""

    def as_data(self, case: Any, field: Field, held: Any) -> dict[str, Any]:
        """What the frozen content keeps, as JSON, over `value` and `display` of the field.

        A `display` in the shape of `procedures.answers.as_data` lets two versions be compared.
        """

    def shown(self, data: Mapping[str, Any]) -> str:
        """The frozen field as a page shows it, as safe HTML: under its label, which is drawn."""


def _nothing_missing(_case: Any, _content: Any) -> "list[Missing]":
    return []


def _nothing_beside(_case: Any, _content: Any) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True)
class WrittenKind:
    """A kind of case written from a region's form."""

    # As `workflow.Case.Kind`.
    kind: str
    model: "type[WrittenCase]"
    # Namespace of its addresses, which `writing.urls.patterns` gives.
    namespace: str
    words: Words
    # Whether its field `title` names the CPTS.
    renames: bool = False
    # Whether `simulation` is among its addresses: the page where territories are tried beside it.
    simulates: bool = False
    # What else is missing before the deposit: called with the case and its content.
    missing: "Callable[[Any, WrittenContent], list[Missing]]" = _nothing_missing
    # What else its frozen content holds, beside the answers: called with the case and content.
    beside: "Callable[[Any, WrittenContent], Mapping[str, Any]]" = _nothing_beside
    own_fields: Mapping[FieldKind, OwnField] = field(default_factory=dict)


_kinds: dict[str, WrittenKind] = {}


def declare_written(kind: WrittenKind) -> None:
    """Make a kind known. Called from `ready()`."""
    _kinds[kind.kind] = kind


def written(kind: str) -> WrittenKind:
    """Raises LookupError for a kind that is not written from a form."""
    return _kinds[kind]


def written_of(case: "Case") -> WrittenKind:
    """Raises LookupError for a case that is not written from a form."""
    return _kinds[case.kind]
