"""What the form's pages need to know of each kind of case written from one: it declares itself.

As `workflow.kinds`, for the kinds that are written: this room imports none of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from django.utils.safestring import SafeString

from procedures.schema import Field, FieldKind

if TYPE_CHECKING:
    from workflow.models import Case
    from writing.content import Missing, WrittenContent
    from writing.models import WrittenCase
    from writing.printing import Block


_VOWELS: Final = frozenset("aâàeéèêiîoôuûyh")


@dataclass(frozen=True, kw_only=True)
class Words:
    """How sentences name a kind of case, and what agrees with its name.

    The articles are found from the name: « la lettre », « le projet », « l’avenant ».
    """

    # « lettre », and « lettre d’intention » where it is named in full.
    noun: str
    label: str
    is_feminine: bool
    # What it is once the administration agrees, by a decision or by its silence: « acceptée ».
    accepted: str

    @property
    def the(self) -> str:
        """« la lettre »."""
        return self._after("la ", "le ", "l’", self.noun)

    @property
    def the_label(self) -> str:
        """« la lettre d’intention »."""
        return self._after("la ", "le ", "l’", self.label)

    @property
    def a(self) -> str:
        """« une lettre »."""
        return f"un{self.e} {self.noun}"

    @property
    def a_label(self) -> str:
        """« une lettre d’intention »."""
        return f"un{self.e} {self.label}"

    @property
    def this(self) -> str:
        """« cette lettre »."""
        return self._after("cette ", "ce ", "cette " if self.is_feminine else "cet ", self.noun)

    @property
    def its(self) -> str:
        """« sa lettre »."""
        return self._after("sa ", "son ", "son ", self.noun)

    @property
    def of_the(self) -> str:
        """« de la lettre »."""
        return self._after("de la ", "du ", "de l’", self.noun)

    @property
    def of_the_label(self) -> str:
        """« de la lettre d’intention »."""
        return self._after("de la ", "du ", "de l’", self.label)

    @property
    def to_the(self) -> str:
        """« à la lettre »."""
        return self._after("à la ", "au ", "à l’", self.noun)

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

    def _after(self, feminine: str, masculine: str, elided: str, noun: str) -> str:
        if noun[0].lower() in _VOWELS:
            return elided + noun
        return (feminine if self.is_feminine else masculine) + noun


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

    def printed(self, data: Mapping[str, Any]) -> "list[Block]":
        """The frozen field on the official document."""


def _nothing_missing(_case: Any, _content: Any) -> "list[Missing]":
    return []


def _nothing_beside(_case: Any, _content: Any) -> dict[str, Any]:
    return {}


def _nothing_printed(_content: Any) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True, eq=False)
class WrittenKind:
    """A kind of case written from a region's form."""

    # As `workflow.Case.Kind`.
    kind: str
    model: "type[WrittenCase]"
    # Namespace of its addresses, which `writing.urls.patterns` gives.
    namespace: str
    words: Words
    # The column that says who deposits commits to what the procedure asks.
    commitment: str
    # What refuses a deposit whose commitment is not ticked, as a sentence.
    commitment_wanted: str
    # Its official document, as `CaseDocument.kind`, and what it is drawn from.
    document: str
    document_template: str = "pdf/form.html"
    # Whether its field `title` names the CPTS.
    renames: bool = False
    # Whether `simulation` is among its addresses: the page where territories are tried beside it.
    simulates: bool = False
    # What else is missing before the deposit: called with the case and its content.
    missing: "Callable[[Any, WrittenContent], list[Missing]]" = _nothing_missing
    # What else its frozen content holds, beside the answers: called with the case and content.
    beside: "Callable[[Any, WrittenContent], Mapping[str, Any]]" = _nothing_beside
    # What else `document_template` is drawn from: called with the frozen content.
    printed: "Callable[[Mapping[str, Any]], Mapping[str, Any]]" = _nothing_printed
    own_fields: Mapping[FieldKind, OwnField] = field(default_factory=dict)


_kinds: dict[str, WrittenKind] = {}


def remember(kind: WrittenKind) -> None:
    """Make a kind known: `writing.declaring` does, with all that goes with it."""
    _kinds[kind.kind] = kind


def declared() -> list[WrittenKind]:
    """The kinds written from a form."""
    return list(_kinds.values())


def written(kind: str) -> WrittenKind:
    """Raises LookupError for a kind that is not written from a form."""
    return _kinds[kind]


def written_of(case: "Case") -> WrittenKind:
    """Raises LookupError for a case that is not written from a form."""
    return _kinds[case.kind]
