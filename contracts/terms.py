"""What a contract says, whole: what its draft holds and what each of its versions freezes.

Pure: no database. The terms are kept as JSON (`to_data`, `from_data`): days as ISO texts, amounts
and values as texts of decimals, so that the same terms always give the same text and hash.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

from cpts_portal.words import NBSP, day, euros, figure

# The nature of a contract between a CPTS, its agency and its CPAM in the terminology of the
# national agency for digital health (ANS, type of engagement).
ANS_CODE: Final = "ACI"

CPTS: Final = "cpts"
ARS: Final = "ars"
CPAM: Final = "cpam"
PARTY_LABELS: Final[Mapping[str, str]] = {CPTS: "CPTS", ARS: "ARS", CPAM: "CPAM"}

# How the line of a commune begins; its code follows.
COMMUNE: Final = "Commune "

ACI: Final = "aci"
CPOM: Final = "cpom"
# Who signs: an older CPOM is between the agency and the association that carries the project.
PARTIES_OF: Final[Mapping[str, tuple[str, ...]]] = {ACI: (CPTS, ARS, CPAM), CPOM: (CPTS, ARS)}
FORM_LABELS: Final[Mapping[str, str]] = {ACI: "Contrat tripartite (ACI)", CPOM: "CPOM"}

# What an amendment may tick, in the order of the contract.
SECTIONS: Final[Mapping[str, str]] = {
    "parties": "Parties",
    "representatives": "Représentants",
    "territory": "Territoire et population",
    "size": "Taille",
    "missions": "Missions et fiches annexées",
    "indicators": "Indicateurs",
    "duration": "Durée",
    "bank": "Coordonnées bancaires",
    "rates": "Tarifs",
    "clauses": "Clauses particulières",
}

IndicatorKind = Literal["ladder", "yes_no", "count"]
INDICATOR_KINDS: Final[Mapping[str, str]] = {
    "ladder": "Paliers",
    "yes_no": "Oui ou non, avec une preuve",
    "count": "Nombre à atteindre",
}


@dataclass(frozen=True, kw_only=True)
class Party:
    """Who contracts: `cpts`, `ars` or `cpam`. The numbers are bare, empty when unknown."""

    role: str
    name: str
    # « Association loi 1901 » for the CPTS; empty for an organisation.
    legal_form: str = ""
    address: str = ""
    finess: str = ""
    rna: str = ""
    siret: str = ""


@dataclass(frozen=True, kw_only=True)
class Representative:
    """Who signs for a party, and by what right.

    `user` is the key of their account, `delegation` that of what the portal recorded; a president
    without an account has an `email`, that no document prints. `act` is what they sign by, in
    force from `valid_from` to `valid_to`, both included; empty for who represents the party in
    their own right.
    """

    party: str
    name: str
    capacity: str
    user: int | None = None
    email: str = ""
    delegation: int | None = None
    act: str = ""
    valid_from: date | None = None
    valid_to: date | None = None

    def may_sign_on(self, on: date) -> bool:
        """Whether their power stands on a day: on its last day, it still does."""
        begun = self.valid_from is None or self.valid_from <= on
        return begun and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True, kw_only=True)
class Commune:
    """A commune of the territory by its Insee code; `part` when only a part of it is."""

    code: str
    name: str
    part: str = ""

    @property
    def label(self) -> str:
        return f"{self.name} ({self.code}){f' – {self.part}' if self.part else ''}"


@dataclass(frozen=True, kw_only=True)
class MissionTerm:
    """A mission of the contract. `starts_on` is None while nobody has said it.

    `deployed_on` is the day by which it is to be wholly in place.
    """

    key: str
    starts_on: date | None = None
    deployed_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """An action sheet of the health project in force, annexed as it stood."""

    key: str
    title: str
    # In words: a project names its missions as its region does.
    missions: tuple[str, ...] = ()
    reference: str = ""
    summary: str = ""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step of a ladder: at `threshold` or better, `rate` of the amount (from 0 to 1)."""

    threshold: Decimal
    rate: Decimal


@dataclass(frozen=True, kw_only=True)
class Target:
    """What an indicator is to reach in a year of the contract (from 1). None: yes, with a proof."""

    year: int
    value: Decimal | None = None
    steps: tuple[Step, ...] = ()

    @property
    def is_yes(self) -> bool:
        return self.value is None and not self.steps


@dataclass(frozen=True, kw_only=True)
class Indicator:
    """An indicator of a mission. `weight` is its share of the mission's variable money.

    `lower_is_better`: patients without a doctor go down. `baseline` is where it stood, said by
    `source` in `baseline_year`. `proofs` are the deliverables shown each year.
    """

    key: str
    mission: str
    label: str
    kind: IndicatorKind
    weight: Decimal = Decimal(1)
    unit: str = ""
    lower_is_better: bool = False
    baseline: Decimal | None = None
    baseline_year: int | None = None
    source: str = ""
    targets: tuple[Target, ...] = ()
    proofs: tuple[str, ...] = ()

    def target_of(self, year: int) -> Target | None:
        """That of the year, else that of the last year before it."""
        before = [one for one in self.targets if one.year <= year]
        return max(before, key=lambda one: one.year) if before else None


@dataclass(frozen=True, kw_only=True)
class Bank:
    """Where the money goes. The number itself is never kept: only what recognises it."""

    holder: str = ""
    # « FR76 •••• •••• 1234 ».
    masked_iban: str = ""


@dataclass(frozen=True, kw_only=True)
class Clause:
    """A clause of this contract alone, after the articles of the model."""

    title: str
    text: str


@dataclass(frozen=True, kw_only=True)
class ContractTerms:
    """A contract, whole. `rates` names the table of rates it is signed at, « aci 1 »."""

    form: str = ACI
    parties: tuple[Party, ...] = ()
    representatives: tuple[Representative, ...] = ()
    communes: tuple[Commune, ...] = ()
    # The year of the territory's communes (code officiel géographique).
    territory_year: int | None = None
    population: int | None = None
    population_year: int | None = None
    population_source: str = ""
    size: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    missions: tuple[MissionTerm, ...] = ()
    sheets: tuple[Sheet, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    bank: Bank = Bank()
    clauses: tuple[Clause, ...] = ()
    rates: str = ""
    # What a CPOM pays a year, in euros; an ACI is paid at the rates of the agreement.
    yearly_amount: Decimal | None = None

    @property
    def ans_code(self) -> str:
        """« ACI », or nothing for an older CPOM."""
        return ANS_CODE if self.form == ACI else ""

    def party(self, role: str) -> Party | None:
        return next((one for one in self.parties if one.role == role), None)

    def representatives_of(self, role: str) -> tuple[Representative, ...]:
        return tuple(one for one in self.representatives if one.party == role)

    def mission(self, key: str) -> MissionTerm | None:
        return next((one for one in self.missions if one.key == key), None)

    def indicators_of(self, mission: str) -> tuple[Indicator, ...]:
        return tuple(one for one in self.indicators if one.mission == mission)

    @property
    def mission_starts(self) -> dict[str, date | None]:
        """As the schedule wants them: the day each mission starts."""
        return {one.key: one.starts_on for one in self.missions}


# --- As it is kept --------------------------------------------------------------------------------


def to_data(terms: ContractTerms) -> dict[str, Any]:
    """The terms as JSON."""
    return {one.name: _as_data(getattr(terms, one.name)) for one in fields(terms)}


def _as_data(value: Any) -> Any:
    match value:
        case date():
            return value.isoformat()
        case Decimal():
            return str(value)
        case tuple():
            return [_as_data(one) for one in value]
        case _ if hasattr(value, "__dataclass_fields__"):
            return {one.name: _as_data(getattr(value, one.name)) for one in fields(value)}
    return value


def from_data(data: Mapping[str, Any]) -> ContractTerms:
    """The terms that `to_data` wrote. A name it does not know is left out: it is of a later day."""
    known = {one.name for one in fields(ContractTerms)}
    given = {name: value for name, value in data.items() if name in known}
    return ContractTerms(
        **{name: _READERS.get(name, _same)(value) for name, value in given.items()}
    )


def _same(value: Any) -> Any:
    return value


def _day(value: Any) -> date | None:
    return date.fromisoformat(value) if value else None


def _decimal(value: Any) -> Decimal | None:
    try:
        return None if value in (None, "") else Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value!r} is no number") from None


def _target(data: Mapping[str, Any]) -> Target:
    steps = [
        Step(threshold=Decimal(one["threshold"]), rate=Decimal(one["rate"]))
        for one in data["steps"]
    ]
    return Target(year=data["year"], value=_decimal(data["value"]), steps=tuple(steps))


def _indicator(data: Mapping[str, Any]) -> Indicator:
    return Indicator(
        **{
            **data,
            "weight": Decimal(data["weight"]),
            "baseline": _decimal(data["baseline"]),
            "targets": tuple(_target(one) for one in data["targets"]),
            "proofs": tuple(data["proofs"]),
        }
    )


_READERS: Final[Mapping[str, Any]] = {
    "starts_on": _day,
    "ends_on": _day,
    "yearly_amount": _decimal,
    "parties": lambda rows: tuple(Party(**one) for one in rows),
    "representatives": lambda rows: tuple(
        Representative(
            **{**one, "valid_from": _day(one["valid_from"]), "valid_to": _day(one["valid_to"])}
        )
        for one in rows
    ),
    "communes": lambda rows: tuple(Commune(**one) for one in rows),
    "missions": lambda rows: tuple(
        MissionTerm(
            key=one["key"],
            starts_on=_day(one["starts_on"]),
            deployed_on=_day(one["deployed_on"]),
        )
        for one in rows
    ),
    "sheets": lambda rows: tuple(
        Sheet(**{**one, "missions": tuple(one["missions"])}) for one in rows
    ),
    "indicators": lambda rows: tuple(_indicator(one) for one in rows),
    "bank": lambda one: Bank(**one),
    "clauses": lambda rows: tuple(Clause(**one) for one in rows),
}


# --- What changes from one to another -------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """Something that changes: what it is, what was said, what is said. Empty: it was not there."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class SectionDifference:
    """What changes in a section, in the order of the contract. `label` is that of `SECTIONS`."""

    section: str
    label: str
    rows: tuple[Row, ...]


def difference(
    before: ContractTerms, after: ContractTerms, missions: Mapping[str, str] | None = None
) -> tuple[SectionDifference, ...]:
    """What changes from one to the other, section by section; a section without change is absent.

    `missions` are the words of the missions by their key.
    """
    labels = missions or {}
    found = []
    for section, label in SECTIONS.items():
        rows = _rows(lines_of(before, section, labels), lines_of(after, section, labels))
        if rows:
            found.append(SectionDifference(section, label, tuple(rows)))
    return tuple(found)


def changed_sections(before: ContractTerms, after: ContractTerms) -> tuple[str, ...]:
    """The keys of the sections that change."""
    return tuple(one.section for one in difference(before, after))


def _rows(before: Sequence[tuple[str, str]], after: Sequence[tuple[str, str]]) -> list[Row]:
    was, is_now = dict(before), dict(after)
    labels = list(dict.fromkeys([*was, *is_now]))
    return [
        Row(label, was.get(label, ""), is_now.get(label, ""))
        for label in labels
        if was.get(label, "") != is_now.get(label, "")
    ]


def lines_of(
    terms: ContractTerms, section: str, missions: Mapping[str, str]
) -> list[tuple[str, str]]:
    """A section in words, as (label, value), each label once."""
    return _numbered(_LINES[section](terms, missions))


def _numbered(lines: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Two indicators of one name stay two lines."""
    seen: dict[str, int] = {}
    found = []
    for label, value in lines:
        seen[label] = seen.get(label, 0) + 1
        found.append((label if seen[label] == 1 else f"{label} ({seen[label]})", value))
    return found


def _party_lines(terms: ContractTerms, _missions: Mapping[str, str]) -> list[tuple[str, str]]:
    found = []
    for one in terms.parties:
        label = PARTY_LABELS.get(one.role, one.role)
        said = {
            f"{label}, nom": one.name,
            f"{label}, forme": one.legal_form,
            f"{label}, adresse": one.address,
            f"{label}, numéro FINESS": one.finess,
            f"{label}, numéro RNA": one.rna,
            f"{label}, numéro SIRET": one.siret,
        }
        found += [(name, value) for name, value in said.items() if value]
    return found


def _representative_lines(
    terms: ContractTerms, _missions: Mapping[str, str]
) -> list[tuple[str, str]]:
    return [
        (
            f"Pour {_the(one.party)}, {one.name}",
            ", ".join(part for part in (one.capacity, one.act, _until(one)) if part),
        )
        for one in terms.representatives
    ]


def _the(party: str) -> str:
    return {CPTS: "la CPTS", ARS: "l’ARS", CPAM: "la CPAM"}.get(party, party)


def _until(one: Representative) -> str:
    return f"jusqu’au {day(one.valid_to)} inclus" if one.valid_to else ""


def _territory_lines(terms: ContractTerms, _missions: Mapping[str, str]) -> list[tuple[str, str]]:
    lines = [("Nombre de communes", str(len(terms.communes)))] if terms.communes else []
    if terms.territory_year:
        lines.append(("Année des communes", str(terms.territory_year)))
    if terms.population is not None:
        lines.append(("Population", f"{figure(terms.population)}{NBSP}habitants"))
    if terms.population_year:
        lines.append(("Année de la population", str(terms.population_year)))
    if terms.population_source:
        lines.append(("Source de la population", terms.population_source))
    return lines + [(f"{COMMUNE}{one.code}", one.label) for one in terms.communes]


def _size_lines(terms: ContractTerms, _missions: Mapping[str, str]) -> list[tuple[str, str]]:
    return [("Taille", f"Taille {terms.size.removeprefix('T')}")] if terms.size else []


def _mission_lines(terms: ContractTerms, missions: Mapping[str, str]) -> list[tuple[str, str]]:
    found = []
    for one in terms.missions:
        name = missions.get(one.key, one.key)
        found.append((name, f"à partir du {day(one.starts_on)}" if one.starts_on else "sans date"))
        if one.deployed_on:
            found.append((f"{name}, en place au plus tard", day(one.deployed_on)))
    sheets = [(f"Fiche annexée {one.reference or one.key}", one.title) for one in terms.sheets]
    return found + sheets


def _indicator_lines(terms: ContractTerms, missions: Mapping[str, str]) -> list[tuple[str, str]]:
    found = []
    for one in terms.indicators:
        name = f"{missions.get(one.mission, one.mission)}, {one.label}"
        found.append((name, f"{INDICATOR_KINDS[one.kind]}, poids {plain(one.weight)}"))
        if one.baseline is not None:
            found.append((f"{name}, départ", f"{plain(one.baseline)} {one.unit}".strip()))
        found += [
            (f"{name}, année {target.year}", target_words(one, target)) for target in one.targets
        ]
        if one.proofs:
            found.append((f"{name}, preuves", " ; ".join(one.proofs)))
    return found


def plain(value: Decimal) -> str:
    """« 1 250,5 », without the zeros at the end."""
    text = f"{value.normalize():f}"
    whole, _, cents = text.partition(".")
    sign = "-" if whole.startswith("-") else ""
    spaced = figure(int(whole.lstrip("-") or 0))
    return f"{sign}{spaced},{cents}" if cents else f"{sign}{spaced}"


# Words that end alike in the singular.
_UNCHANGED: Final = frozenset({"accès", "avis", "cas", "fois", "mois", "pas", "succès", "temps"})


def unit_of(unit: str, value: Decimal) -> str:
    """The unit as French counts: « réunions », but « réunion » below two."""
    first, space, rest = unit.partition(" ")
    if abs(value) >= 2 or first in _UNCHANGED or not first.endswith("s"):
        return unit
    return f"{first[:-1]}{space}{rest}"


def target_words(indicator: Indicator, target: Target) -> str:
    """What is to be reached in a year, in words."""
    better = "au plus" if indicator.lower_is_better else "au moins"

    def said(value: Decimal) -> str:
        return f"{better} {plain(value)} {unit_of(indicator.unit, value)}".strip()

    if indicator.kind == "ladder" and target.steps:
        return " ; ".join(
            f"{said(one.threshold)}{NBSP}: {plain(one.rate * 100)}{NBSP}%" for one in target.steps
        )
    return "fait, avec sa preuve" if target.value is None else said(target.value)


def _duration_lines(terms: ContractTerms, _missions: Mapping[str, str]) -> list[tuple[str, str]]:
    lines = [("Premier jour", terms.starts_on), ("Dernier jour", terms.ends_on)]
    return [(label, day(value)) for label, value in lines if value]


def _bank_lines(terms: ContractTerms, _missions: Mapping[str, str]) -> list[tuple[str, str]]:
    lines = [("Titulaire du compte", terms.bank.holder), ("Compte", terms.bank.masked_iban)]
    return [(label, value) for label, value in lines if value]


def _rate_lines(terms: ContractTerms, _missions: Mapping[str, str]) -> list[tuple[str, str]]:
    if terms.yearly_amount is not None:
        return [("Aide annuelle", euros(terms.yearly_amount))]
    key, _, version = terms.rates.rpartition(" ")
    return [("Tarifs", f"Grille {key.upper()}, version {version}")] if key else []


def _clause_lines(terms: ContractTerms, _missions: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(one.title, one.text) for one in terms.clauses]


_LINES: Final[Mapping[str, Any]] = {
    "parties": _party_lines,
    "representatives": _representative_lines,
    "territory": _territory_lines,
    "size": _size_lines,
    "missions": _mission_lines,
    "indicators": _indicator_lines,
    "duration": _duration_lines,
    "bank": _bank_lines,
    "rates": _rate_lines,
    "clauses": _clause_lines,
}

# The fields each section holds: what an amendment may change once it has ticked it.
FIELDS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "parties": ("parties",),
    "representatives": ("representatives",),
    "territory": (
        "communes",
        "territory_year",
        "population",
        "population_year",
        "population_source",
    ),
    "size": ("size",),
    "missions": ("missions", "sheets"),
    "indicators": ("indicators",),
    "duration": ("starts_on", "ends_on"),
    "bank": ("bank",),
    "rates": ("rates", "yearly_amount"),
    "clauses": ("clauses",),
}


def with_section(terms: ContractTerms, section: str, of: ContractTerms) -> ContractTerms:
    """The same terms, with what another says in one section."""
    return replace(terms, **{name: getattr(of, name) for name in FIELDS_OF[section]})
