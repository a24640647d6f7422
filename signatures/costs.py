"""What a change of the signed content costs: who must sign again.

One table, from the nature of a change to those it asks. Whatever a kind of case does not name
asks everyone: a forgotten change never passes without a signature.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class ChangeKind(StrEnum):
    """The nature of a change, as the kind of case declares it."""

    CONTACT = "contact"  # address, telephone, typing error in a name: what is signed is the same
    LAYOUT = "layout"  # spelling, order of the pages
    MEMBER_ADDED = "member_added"
    MEMBER_LEFT = "member_left"
    SHEET_ADDED = "sheet_added"
    SHEET_CHANGED = "sheet_changed"
    SHEET_REMOVED = "sheet_removed"
    TERRITORY = "territory"
    GOVERNANCE = "governance"
    LEGAL_ENTITY = "legal_entity"
    FRAMEWORK = "framework"
    CONTENT = "content"  # anything else


class Scope(StrEnum):
    NOBODY = "nobody"
    NAMED = "named"
    EVERYONE = "everyone"


# Scope, and why: the sentence shown beside the change.
COSTS: Final[dict[ChangeKind, tuple[Scope, str]]] = {
    ChangeKind.CONTACT: (Scope.NOBODY, "Ce que chacun a signé ne change pas."),
    ChangeKind.LAYOUT: (Scope.NOBODY, "Ce que chacun a signé ne change pas."),
    ChangeKind.MEMBER_ADDED: (Scope.NAMED, "Le nouveau membre signe ; les autres non."),
    ChangeKind.MEMBER_LEFT: (Scope.NOBODY, "Un départ n’engage personne d’autre."),
    ChangeKind.SHEET_ADDED: (Scope.NAMED, "La fiche action engage ceux qu’elle nomme."),
    ChangeKind.SHEET_CHANGED: (Scope.NAMED, "La fiche action engage ceux qu’elle nomme."),
    ChangeKind.SHEET_REMOVED: (Scope.NAMED, "Ceux que la fiche nommait ne sont plus engagés."),
    ChangeKind.TERRITORY: (Scope.EVERYONE, "Le territoire engage tous les membres."),
    ChangeKind.GOVERNANCE: (Scope.EVERYONE, "La gouvernance engage tous les membres."),
    ChangeKind.LEGAL_ENTITY: (Scope.EVERYONE, "La structure juridique engage tous les membres."),
    ChangeKind.FRAMEWORK: (Scope.EVERYONE, "Le cadre du projet engage tous les membres."),
    ChangeKind.CONTENT: (Scope.EVERYONE, "Ce changement touche ce que tous ont signé."),
}


@dataclass(frozen=True)
class Change:
    """A change between two versions. `named`: the members it concerns, by primary key."""

    kind: ChangeKind
    label: str
    named: frozenset[int] = frozenset()


@dataclass(frozen=True)
class LineOfCost:
    """What one change costs, as the page says it."""

    label: str
    scope: Scope
    why: str
    # How many of those who had signed.
    count: int

    @property
    def who(self) -> str:
        if self.scope == Scope.NOBODY or not self.count:
            return "personne"
        if self.scope == Scope.EVERYONE:
            return f"tous ({self.count})"
        return f"{self.count} membre{'s' if self.count > 1 else ''}"


@dataclass(frozen=True)
class Cost:
    """What a set of changes costs in all."""

    lines: tuple[LineOfCost, ...]
    # Members who had signed and must sign again.
    again: frozenset[int]
    # Members who had signed and whose signature is kept.
    kept: frozenset[int]

    @property
    def sentence(self) -> str:
        if not self.again:
            kept = f"{_signatures(self.kept)} gardée{_s(self.kept)}"
            return f"Aucune signature n’est à redemander ; {kept}."
        if not self.kept:
            return f"{_signatures(self.again)} à redemander : aucune n’est gardée."
        return f"{_signatures(self.again)} à redemander, {len(self.kept)} gardée{_s(self.kept)}."


def _s(members: frozenset[int]) -> str:
    return "s" if len(members) > 1 else ""


def _signatures(members: frozenset[int]) -> str:
    return f"{len(members)} signature{_s(members)}"


def cost_of(changes: Sequence[Change], signed: Iterable[int]) -> Cost:
    """Who must sign again after these changes, among the members who had `signed`."""
    had_signed = frozenset(signed)
    again: frozenset[int] = frozenset()
    lines = []
    for change in changes:
        scope, why = COSTS.get(change.kind, COSTS[ChangeKind.CONTENT])
        concerned = {
            Scope.NOBODY: frozenset[int](),
            Scope.NAMED: change.named & had_signed,
            Scope.EVERYONE: had_signed,
        }[scope]
        again |= concerned
        lines.append(LineOfCost(change.label, scope, why, len(concerned)))
    return Cost(tuple(lines), again, had_signed - again)
