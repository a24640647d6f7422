"""The indicators of a draft as its page lists them: by mission, the library first."""

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.dialogue.indicators import Entry
from contracts.drafts.completeness import unmeasured
from contracts.drafts.forms.indicators import library_entries
from contracts.terms import CPOM, INDICATOR_KINDS, ContractTerms, Indicator, target_words


@dataclass(frozen=True)
class Chosen:
    """An indicator of the draft and, in words, what it aims at in its first year."""

    key: str
    label: str
    aim: str


@dataclass(frozen=True)
class Suggested:
    """One of the library: `kind` in words; `is_confirmed`: a national text says it."""

    key: str
    label: str
    kind: str
    is_confirmed: bool


@dataclass(frozen=True)
class Measured:
    """A mission, its indicators, those it may take. `is_lacking`: it has none and wants one."""

    key: str
    label: str
    chosen: tuple[Chosen, ...]
    suggested: tuple[Suggested, ...]
    is_lacking: bool
    # No longer in the contract: its indicators are to be taken out.
    is_left: bool = False

    @property
    def count(self) -> str:
        number = len(self.chosen)
        if not number:
            return "Aucun indicateur"
        return f"{number} indicateur{'s' if number > 1 else ''}"


def measured(terms: ContractTerms, labels: Mapping[str, str]) -> list[Measured]:
    """Each mission of the terms in its order; every mission of the agreement for a CPOM, that
    names none of its own. No query."""
    is_cpom = terms.form == CPOM
    missions = list(labels) if is_cpom else [one.key for one in terms.missions]
    left = dict.fromkeys(one.mission for one in terms.indicators if one.mission not in missions)
    lacking = () if is_cpom else unmeasured(terms)
    entries = library_entries(terms)
    return [
        Measured(
            key,
            labels.get(key, key),
            tuple(_chosen(one) for one in terms.indicators_of(key)),
            tuple(_suggested(one) for one in entries if one.indicator.mission == key),
            key in lacking,
            key in left,
        )
        for key in (*missions, *left)
    ]


def _chosen(one: Indicator) -> Chosen:
    target = one.target_of(1)
    return Chosen(one.key, one.label, target_words(one, target) if target else "sans cible")


def _suggested(one: Entry) -> Suggested:
    found = one.indicator
    return Suggested(found.key, found.label, INDICATOR_KINDS[found.kind], one.is_confirmed)
