"""What a person asks of the list, as its address says it: tab, filters, order, columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote_plus

from django.core.exceptions import PermissionDenied
from django.http import QueryDict

from accounts.models import Membership, Organisation, User
from workflow.models import Case, InboxTab
from workflow.search import LONGEST_SEARCH
from workflow.states import CaseState

DEFAULT_ORDER: Final = "-depot"
DEADLINE_ORDER: Final = "echeance"
ALL_TAB: Final = "tous"
MINE_TAB: Final = "miens"
SIGN_TAB: Final = "a-signer"


def acting_of(user: User) -> Membership:
    """The role the person acts in. Raises PermissionDenied in their own name."""
    if user.acting is None:
        raise PermissionDenied("Choisissez d’abord le rôle dans lequel vous agissez.")
    return user.acting


@dataclass(frozen=True)
class Tab:
    """A tab of the list. `key` names it in the address; a stored tab holds each case once."""

    key: str
    label: str
    stored: InboxTab | None = None


TABS: Final = (
    Tab(SIGN_TAB, "À signer"),
    Tab("a-prendre", "À prendre en charge", InboxTab.TO_TAKE),
    Tab(MINE_TAB, "Les miens"),
    Tab("porteur", "En attente du porteur", InboxTab.LEAD),
    Tab("avis", "En attente d’avis", InboxTab.OPINIONS),
    Tab("a-decider", "À décider", InboxTab.TO_DECIDE),
    Tab("decides", "Décidés ou clos", InboxTab.DECIDED),
    Tab("pour-avis", "Pour avis", InboxTab.CONSULTED),
    Tab("information", "Pour information", InboxTab.INFORMED),
    Tab(ALL_TAB, "Tous"),
)
TABS_BY_KEY: Final = {tab.key: tab for tab in TABS}
# Those who are in charge of cases; the others are asked their opinion or told.
_OFFICES: Final = (
    Organisation.Kind.ARS,
    Organisation.Kind.ARS_BRANCH,
    Organisation.Kind.ONE_STOP_DESK,
)


def offered_tabs(acting: Membership, counts: Mapping[str, int]) -> list[Tab]:
    """The tabs a person has: those of their office, and any other in which there is something.

    `counts` has what is to be signed for those who sign only.
    """
    usual = {ALL_TAB}
    if acting.organisation.kind in _OFFICES:
        usual |= {"a-prendre", MINE_TAB, "porteur", "avis", "a-decider", "decides", "information"}
    else:
        usual |= {"pour-avis", "information"}
    if SIGN_TAB in counts:
        usual.add(SIGN_TAB)
    return [tab for tab in TABS if tab.key in usual or counts.get(tab.key, 0) > 0]


@dataclass(frozen=True)
class Column:
    """A column of the list. `key` names it in the address.

    `order`: the columns of the lines that sort it, if any; each is an index of `InboxLine`.
    """

    key: str
    label: str
    order: tuple[str, ...] = ()
    # The reference and the name are always there.
    is_optional: bool = True


COLUMNS: Final = (
    Column("reference", "Référence", ("reference",), is_optional=False),
    Column("cpts", "CPTS", ("title_key", "case_id"), is_optional=False),
    Column("departement", "Département", ("departments", "case_id")),
    Column("population", "Population", ("population", "case_id")),
    Column("depot", "Déposé le", ("deposited_at", "case_id")),
    Column("echeance", "Échéance", ("deadline_on", "case_id")),
    Column("etat", "État", ("state", "deposited_at", "case_id")),
    Column("suivi", "Suivi par"),
    Column("bureau", "Votre bureau"),
)
COLUMNS_BY_KEY: Final = {column.key: column for column in COLUMNS}
OPTIONAL: Final = tuple(column.key for column in COLUMNS if column.is_optional)
DEFAULT_COLUMNS: Final = ("departement", "population", "depot", "echeance", "etat", "suivi")
ORDERS: Final = frozenset(column.key for column in COLUMNS if column.order)

# The states a case on a desk can be in, in words that fit every nature of case.
STATES: Final[dict[str, str]] = {
    CaseState.DEPOSITED.value: "À examiner",
    CaseState.IN_CONSULTATION.value: "Avis en cours",
    CaseState.UNDER_REVIEW.value: "À instruire",
    CaseState.COMPLETION_REQUESTED.value: "En attente de l’équipe",
    CaseState.DECISION_PROPOSED.value: "À signer",
    CaseState.TO_SIGN.value: "Contrat à signer",
    CaseState.ACCEPTED.value: "Accepté",
    CaseState.TACITLY_ACCEPTED.value: "Accepté par silence",
    CaseState.REFUSED.value: "Refusé",
    CaseState.WITHDRAWN.value: "Retiré",
    CaseState.CLOSED.value: "Clos sans suite",
}
DEADLINES: Final = {"proche": "Dans les 15 jours", "depassee": "Dépassée"}
ME: Final = "moi"
NOBODY: Final = "personne"
# What the address may hold; anything else is not ours.
_NAMES: Final = (
    "onglet",
    "q",
    "nature",
    "etat",
    "departement",
    "taille",
    "etiquette",
    "suivi",
    "suivis",
    "echeance",
    "tri",
)


@dataclass(frozen=True)
class InboxChoices:
    """What was asked of the list. Unknown values are dropped."""

    tab: str = ALL_TAB
    search: str = ""
    # A kind of case.
    kind: str = ""
    state: str = ""
    department: str = ""
    size: str = ""
    # A label's number, a person's number or one of the words above.
    label: str = ""
    instructor: str = ""
    followed: bool = False
    deadline: str = ""
    # Empty: the order that goes with the rest.
    order: str = ""
    columns: tuple[str, ...] = DEFAULT_COLUMNS

    @classmethod
    def from_query(
        cls, query: QueryDict, *, columns: Sequence[str] = DEFAULT_COLUMNS
    ) -> "InboxChoices":
        """Read the address; `columns` are those to show when it does not say."""

        def one_of(name: str, allowed: Any) -> str:
            value = query.get(name, "")
            return value if value in allowed else ""

        def number_or(name: str, words: Sequence[str] = ()) -> str:
            value = query.get(name, "")
            is_number = value.isascii() and value.isdecimal() and len(value) < 19
            return value if is_number or value in words else ""

        chosen = tuple(query.getlist("colonnes"))
        if chosen:
            columns = [key for key in OPTIONAL if key in chosen]
        return cls(
            tab=one_of("onglet", TABS_BY_KEY) or ALL_TAB,
            search=" ".join(query.get("q", "").replace("\0", "").split())[:LONGEST_SEARCH],
            kind=one_of("nature", Case.Kind.values),
            state=one_of("etat", STATES),
            department=query.get("departement", "").replace("\0", "")[:3],
            size=one_of("taille", Case.SizeClass.values),
            label=number_or("etiquette"),
            instructor=number_or("suivi", (ME, NOBODY)),
            followed=query.get("suivis") == "oui",
            deadline=one_of("echeance", DEADLINES),
            order=_order(query.get("tri", "")),
            columns=tuple(key for key in OPTIONAL if key in columns),
        )

    @property
    def is_filtered(self) -> bool:
        """Whether anything but the tab narrows the list."""
        return bool(self.search) or self.narrows

    @property
    def narrows(self) -> bool:
        """Whether a filter other than the words searched narrows the list."""
        return self.followed or any(
            (
                *(self.kind, self.state, self.department, self.size),
                *(self.label, self.instructor, self.deadline),
            )
        )

    @property
    def label_number(self) -> int | None:
        return int(self.label) if self.label else None

    @property
    def sorted_by(self) -> str:
        """The order in force: a search without one is sorted by relevance, which has no column.

        What is asked by its deadline begins with the most pressing.
        """
        if self.order or self.search:
            return self.order
        return DEADLINE_ORDER if self.deadline else DEFAULT_ORDER

    def as_query(self, **changes: Any) -> str:
        """The address that asks for the same, with `changes`; the tab is always said."""
        one = replace(self, **changes) if changes else self
        # What comes from a list of ours is written as it is: this is asked twenty times a page.
        said = (
            f"&q={quote_plus(one.search)}" if one.search else "",
            f"&nature={one.kind}" if one.kind else "",
            f"&etat={one.state}" if one.state else "",
            f"&departement={quote_plus(one.department)}" if one.department else "",
            f"&taille={one.size}" if one.size else "",
            f"&etiquette={one.label}" if one.label else "",
            f"&suivi={one.instructor}" if one.instructor else "",
            "&suivis=oui" if one.followed else "",
            f"&echeance={one.deadline}" if one.deadline else "",
            f"&tri={one.order}" if one.order else "",
        )
        return f"onglet={one.tab}{''.join(said)}"

    def of_tab(self, tab: str) -> str:
        """The address of another tab: its filters are its own, so that its count is right."""
        return f"onglet={tab}&tri={self.order}" if self.order else f"onglet={tab}"


def says_something(query: QueryDict) -> bool:
    """Whether an address asks for anything of the list: else the last view is shown again."""
    return any(name in query for name in (*_NAMES, "colonnes", "page"))


def _order(asked: str) -> str:
    return asked if asked.removeprefix("-") in ORDERS else ""
