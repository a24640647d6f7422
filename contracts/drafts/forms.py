"""What the parties type in a draft, section by section; each form gives terms with its section."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone

from accounts.models import Membership, Organisation, User
from communities.numbers import bare, rna_problem, siret_problem
from contracts import terms as said
from contracts.dialogue.indicators import Entry, library
from contracts.drafts.opening import Opening, sheets_in_force
from contracts.funding.fields import AmountField
from contracts.funding.schedule import five_years
from contracts.models import Contract, Draft
from contracts.terms import (
    Bank,
    Clause,
    ContractTerms,
    Indicator,
    MissionTerm,
    Representative,
    Step,
    Target,
    plain,
)
from cpts_portal.forms import PortalForm, dress
from cpts_portal.words import NBSP, day, euros
from procedures.rates import RatesError, RateTable, cpom_rates, current_rates
from territories.population import size_class
from workflow.legal_dates import add_months
from workflow.models import SignatureDelegation

FINESS_SHAPE: Final = r"^([0-9]{9}|2[AB][0-9]{7})$"
YEARS: Final = (1, 2, 3, 4, 5)
MOST_CLAUSES: Final = 20
MOST_INDICATORS: Final = 60
# ISO 13616: two letters, two digits, then up to thirty signs.
_IBAN: Final = re.compile(r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$")
_BIGGEST: Final = Decimal(1_000_000_000)


def _date(label: str, **given: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": f"Écrivez la date{NBSP}: {label[:1].lower()}{label[1:]}.",
            "invalid": "Cette date ne peut pas être lue : écrivez 15/03/2027.",
        },
        **given,
    )


@dataclass(frozen=True)
class Group:
    """Fields under one legend."""

    legend: str
    fields: tuple[Any, ...]


class SectionForm(PortalForm):
    """A section of the draft. `asked` are the terms with what was typed in it."""

    section = ""

    base_revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, draft: Draft, party: str, **kwargs: Any) -> None:
        self.draft, self.party = draft, party
        self.terms: ContractTerms = draft.says
        initial = {"base_revision": draft.revision, **self.first()} | kwargs.pop("initial", {})
        super().__init__(*args, initial=initial, **kwargs)

    def first(self) -> dict[str, Any]:
        """What each field shows at first."""
        return {}

    def groups(self) -> list[Group]:
        """The fields as the page groups them; one group without legend by default."""
        form: Any = self
        return [Group("", tuple(form[name] for name in self.fields if name != "base_revision"))]

    def asked(self) -> ContractTerms:
        raise NotImplementedError


# --- Parties --------------------------------------------------------------------------------------


class PartiesForm(SectionForm):
    section = "parties"
    _PARTS: Final = {
        "name": ("Nom", 200),
        "legal_form": ("Forme juridique", 100),
        "address": ("Adresse du siège", 300),
        "finess": ("Numéro FINESS", 12),
        "rna": ("Numéro RNA", 15),
        "siret": ("Numéro SIRET", 20),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for role in said.PARTIES_OF[self.terms.form]:
            for part in self._parts(role):
                label, longest = self._PARTS[part]
                field = forms.CharField(label=label, max_length=longest, required=part == "name")
                if part == "name":
                    field.error_messages["required"] = "Écrivez le nom de la partie."
                self.fields[f"{role}_{part}"] = field
        for name, one in self.fields.items():
            if name != "base_revision":
                dress(one)

    @staticmethod
    def _parts(role: str) -> tuple[str, ...]:
        own = ("legal_form", "address", "finess", "rna", "siret")
        return ("name", *(own if role == said.CPTS else ("address", "siret")))

    def first(self) -> dict[str, Any]:
        return {
            f"{one.role}_{part}": getattr(one, part)
            for one in self.terms.parties
            for part in self._parts(one.role)
        }

    def groups(self) -> list[Group]:
        form: Any = self
        return [
            Group(
                said.PARTY_LABELS[role],
                tuple(form[f"{role}_{part}"] for part in self._parts(role)),
            )
            for role in said.PARTIES_OF[self.terms.form]
        ]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        for role in said.PARTIES_OF[self.terms.form]:
            for part in ("finess", "rna", "siret"):
                name = f"{role}_{part}"
                if not given.get(name):
                    continue
                given[name] = bare(given[name])
                if problem := _number_problem(part, given[name]):
                    self.add_error(name, problem)
        return given

    def asked(self) -> ContractTerms:
        parties = tuple(
            replace(
                self.terms.party(role) or said.Party(role=role, name=""),
                **{part: self.cleaned_data[f"{role}_{part}"] for part in self._parts(role)},
            )
            for role in said.PARTIES_OF[self.terms.form]
        )
        return replace(self.terms, parties=parties)


def _number_problem(part: str, number: str) -> str:
    if part == "rna":
        return rna_problem(number)
    if part == "siret":
        return siret_problem(number)
    if re.fullmatch(FINESS_SHAPE, number):
        return ""
    return (
        "Un numéro FINESS compte neuf signes, des chiffres sauf en Corse (2A ou 2B au début)"
        f"{NBSP}: recopiez-le depuis l’attestation."
    )


# --- Representatives ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Candidate:
    """Somebody a party may name: who, by which act, until when."""

    user: User
    capacity: str
    delegation: SignatureDelegation | None = None

    @property
    def key(self) -> str:
        return f"{self.user.pk}-{self.delegation.pk if self.delegation else 0}"

    @property
    def label(self) -> str:
        if self.delegation is None:
            return f"{self.user}, signataire de l’organisme"
        one = self.delegation
        return f"{self.user}, par délégation{NBSP}: {one.act}, jusqu’au {day(one.valid_to)} inclus"


def candidates(contract: Contract, party: str) -> list[Candidate]:
    """Who may sign for an agency or a fund: its signatories, and those it gave a delegation."""
    body: Organisation | None = contract.ars if party == said.ARS else contract.cpam
    if body is None:
        return []
    # The branches of the agency sign for it, where they are.
    there = Q(organisation=body) | Q(
        organisation__parent=body, organisation__department__in=contract.department_codes
    )
    signatories = Membership.objects.filter(
        there, role=Membership.Role.SIGNATORY, is_active=True, user__is_active=True
    ).select_related("user")
    delegations = SignatureDelegation.objects.filter(
        there, revoked_at=None, valid_to__gte=timezone.localdate()
    ).select_related("holder")
    reached = {None, *contract.department_codes}
    return [
        *(Candidate(one.user, "") for one in signatories.order_by("user__last_name", "pk")),
        *(
            Candidate(one.holder, one.capacity, one)
            for one in delegations.order_by("holder__last_name", "pk")
            if one.department_id in reached
        ),
    ]


class RepresentativesForm(SectionForm):
    """Each party names who signs for it: the CPTS its president, the others their signatories."""

    section = "representatives"
    SEATS: Final = (1, 2)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        draft, party = kwargs["draft"], kwargs["party"]
        self.choices = [] if party == said.CPTS else candidates(draft.contract, party)
        super().__init__(*args, **kwargs)
        added = self._seats() if party == said.CPTS else self._boxes()
        for name, field in added.items():
            self.fields[name] = field
            dress(field)

    def _seats(self) -> dict[str, forms.Field]:
        found: dict[str, forms.Field] = {}
        for seat in self.SEATS:
            needed = seat == 1
            found |= {
                f"name_{seat}": forms.CharField(
                    label="Prénom et nom", max_length=200, required=needed
                ),
                f"email_{seat}": forms.EmailField(
                    label="Adresse électronique",
                    required=needed,
                    help_text="Elle reçoit le code qui permet de signer.",
                ),
                f"capacity_{seat}": forms.CharField(
                    label="Qualité",
                    max_length=200,
                    required=needed,
                    help_text=f"Par exemple{NBSP}: présidente de l’association.",
                ),
                f"act_{seat}": forms.CharField(
                    label="Acte qui donne ce pouvoir",
                    max_length=300,
                    required=False,
                    help_text="Statuts, délibération… avec sa date.",
                ),
                f"valid_to_{seat}": _date("Jusqu’au", required=False),
            }
        return found

    def _boxes(self) -> dict[str, forms.Field]:
        found: dict[str, forms.Field] = {}
        for one in self.choices:
            found[f"sign_{one.key}"] = forms.BooleanField(label=one.label, required=False)
            found[f"capacity_{one.key}"] = forms.CharField(
                label=f"Qualité de {one.user}", max_length=200, required=False
            )
        return found

    def first(self) -> dict[str, Any]:
        mine = self.terms.representatives_of(self.party)
        if self.party != said.CPTS:
            known = {(one.user, one.delegation): one for one in mine}
            found: dict[str, Any] = {}
            for one in self.choices:
                before = known.get((one.user.pk, one.delegation.pk if one.delegation else None))
                found[f"sign_{one.key}"] = before is not None
                found[f"capacity_{one.key}"] = before.capacity if before else one.capacity
            return found
        return {
            f"{name}_{seat}": getattr(one, name)
            for seat, one in zip(self.SEATS, mine, strict=False)
            for name in ("name", "email", "capacity", "act", "valid_to")
        }

    def groups(self) -> list[Group]:
        form: Any = self
        if self.party != said.CPTS:
            return [
                Group(str(one.user), (form[f"sign_{one.key}"], form[f"capacity_{one.key}"]))
                for one in self.choices
            ]
        names = ("name", "email", "capacity", "act", "valid_to")
        legends = ("Qui signe pour la CPTS", "Une autre personne signe aussi")
        return [
            Group(legend, tuple(form[f"{name}_{seat}"] for name in names))
            for seat, legend in zip(self.SEATS, legends, strict=True)
        ]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if self.party != said.CPTS:
            for one in self.choices:
                if given.get(f"sign_{one.key}") and not given.get(f"capacity_{one.key}"):
                    self.add_error(
                        f"capacity_{one.key}", f"Dites en quelle qualité signe {one.user}."
                    )
            return given
        if given.get("name_2") and not (given.get("email_2") and given.get("capacity_2")):
            self.add_error("name_2", "Écrivez aussi son adresse et sa qualité, ou effacez son nom.")
        return given

    def asked(self) -> ContractTerms:
        given = self.cleaned_data
        others = [one for one in self.terms.representatives if one.party != self.party]
        mine = self._people(given) if self.party == said.CPTS else self._chosen(given)
        order = list(said.PARTIES_OF[self.terms.form])
        together = sorted([*others, *mine], key=lambda one: order.index(one.party))
        return replace(self.terms, representatives=tuple(together))

    def _people(self, given: dict[str, Any]) -> list[Representative]:
        team = {
            member.user.email.lower(): member.user_id
            for member in self.draft.contract.community.team_members.select_related("user")
        }
        return [
            Representative(
                party=said.CPTS,
                name=" ".join(given[f"name_{seat}"].split()),
                capacity=given[f"capacity_{seat}"],
                email=given[f"email_{seat}"].lower(),
                user=team.get(given[f"email_{seat}"].lower()),
                act=given[f"act_{seat}"],
                valid_to=given[f"valid_to_{seat}"],
            )
            for seat in self.SEATS
            if given.get(f"name_{seat}")
        ]

    def _chosen(self, given: dict[str, Any]) -> list[Representative]:
        return [
            Representative(
                party=self.party,
                name=str(one.user),
                capacity=given[f"capacity_{one.key}"],
                user=one.user.pk,
                delegation=one.delegation.pk if one.delegation else None,
                act=one.delegation.act if one.delegation else "",
                valid_from=one.delegation.valid_from if one.delegation else None,
                valid_to=one.delegation.valid_to if one.delegation else None,
            )
            for one in self.choices
            if given[f"sign_{one.key}"]
        ]


# --- Territory, size ------------------------------------------------------------------------------


class TerritoryForm(SectionForm):
    section = "territory"

    population = forms.IntegerField(
        label="Population prise en compte, en habitants",
        min_value=1,
        max_value=10_000_000,
        error_messages={
            "required": "Écrivez la population, en habitants.",
            "invalid": "Écrivez un nombre d’habitants en chiffres.",
        },
    )
    population_year = forms.IntegerField(
        label="Année de cette population",
        min_value=1990,
        max_value=2100,
        error_messages={"required": "Écrivez l’année de la population."},
    )
    population_source = forms.CharField(
        label="Source de cette population",
        max_length=200,
        error_messages={"required": "Écrivez d’où vient la population."},
    )

    def first(self) -> dict[str, Any]:
        names = ("population", "population_year", "population_source")
        return {name: getattr(self.terms, name) for name in names}

    def asked(self) -> ContractTerms:
        names = ("population", "population_year", "population_source")
        return replace(self.terms, **{name: self.cleaned_data[name] for name in names})


class SizeForm(SectionForm):
    section = "size"

    size = forms.ChoiceField(
        label="Taille de la CPTS",
        widget=forms.RadioSelect,
        choices=[
            ("T1", f"Taille 1{NBSP}: moins de 40{NBSP}000 habitants"),
            ("T2", f"Taille 2{NBSP}: de 40{NBSP}000 à 80{NBSP}000"),
            ("T3", f"Taille 3{NBSP}: de 80{NBSP}000 à 175{NBSP}000"),
            ("T4", f"Taille 4{NBSP}: plus de 175{NBSP}000"),
        ],
        error_messages={"required": "Choisissez une taille."},
    )

    def first(self) -> dict[str, Any]:
        counted = self.terms.population
        return {"size": self.terms.size or (size_class(counted) if counted else "")}

    def asked(self) -> ContractTerms:
        return replace(self.terms, size=self.cleaned_data["size"])


# --- Missions -------------------------------------------------------------------------------------


class MissionsForm(SectionForm):
    """The mandatory missions, the optional ones chosen, when each starts; the annexed sheets."""

    section = "missions"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.rates: RateTable = current_rates()
        terms = kwargs["draft"].says
        known = {one.key: one for one in sheets_in_force(kwargs["draft"].contract.community)}
        self.sheets = known | {one.key: one for one in terms.sheets if one.key not in known}
        super().__init__(*args, **kwargs)
        for one in self.missions:
            if one.is_optional:
                self.fields[f"with_{one.key}"] = forms.BooleanField(
                    label="Mission choisie", required=False
                )
            self.fields[f"start_{one.key}"] = _date("Commence le", required=False)
            vars(self.fields[f"start_{one.key}"])["is_wanted"] = True
            self.fields[f"deployed_{one.key}"] = _date(
                "Entièrement en place au plus tard le", required=False
            )
        if self.sheets:
            self.fields["sheets"] = forms.MultipleChoiceField(
                label="Fiches actions annexées",
                help_text="Celles du projet de santé en vigueur, telles qu’il les dit.",
                required=False,
                widget=forms.CheckboxSelectMultiple,
                choices=[(one.key, one.title) for one in self.sheets.values()],
            )
        for name, field in self.fields.items():
            if name != "base_revision":
                dress(field)

    @property
    def missions(self) -> Sequence[Any]:
        return () if self.terms.form == said.CPOM else self.rates.missions

    def first(self) -> dict[str, Any]:
        found: dict[str, Any] = {"sheets": [one.key for one in self.terms.sheets]}
        for one in self.missions:
            known = self.terms.mission(one.key)
            found[f"with_{one.key}"] = known is not None
            start = known.starts_on if known else None
            found[f"start_{one.key}"] = start or (None if one.is_optional else self.terms.starts_on)
            found[f"deployed_{one.key}"] = known.deployed_on if known else None
        return found

    def groups(self) -> list[Group]:
        form: Any = self
        found = []
        for one in self.missions:
            names = [f"start_{one.key}", f"deployed_{one.key}"]
            if one.is_optional:
                names.insert(0, f"with_{one.key}")
            kind = "facultative" if one.is_optional else "obligatoire"
            found.append(Group(f"{one.label} ({kind})", tuple(form[name] for name in names)))
        if self.sheets:
            found.append(Group("", (form["sheets"],)))
        return found

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        ends = self.terms.ends_on
        for one in self.missions:
            start, done = given.get(f"start_{one.key}"), given.get(f"deployed_{one.key}")
            if one.is_optional and given.get(f"with_{one.key}") and start is None:
                self.add_error(
                    f"start_{one.key}",
                    "Cette mission facultative est choisie sans date de début : écrivez-la, ou "
                    "ne la choisissez pas.",
                )
            if start and ends and start > ends:
                self.add_error(
                    f"start_{one.key}",
                    f"La mission commencerait après la fin du contrat, le {day(ends)} : "
                    "corrigez la date.",
                )
            if start and self.terms.starts_on and start < self.terms.starts_on:
                self.add_error(
                    f"start_{one.key}",
                    "La mission commencerait avant le premier jour du contrat, le "
                    f"{day(self.terms.starts_on)} : corrigez la date.",
                )
            if start and done and done < start:
                self.add_error(
                    f"deployed_{one.key}",
                    "La mission serait en place avant de commencer : corrigez l’une des dates.",
                )
        return given

    def asked(self) -> ContractTerms:
        given = self.cleaned_data
        missions = tuple(
            MissionTerm(
                key=one.key,
                starts_on=given[f"start_{one.key}"],
                deployed_on=given[f"deployed_{one.key}"],
            )
            for one in self.missions
            if not one.is_optional or given[f"with_{one.key}"]
        )
        kept = set(given.get("sheets", ()))
        return replace(
            self.terms,
            missions=missions,
            sheets=tuple(one for one in self.sheets.values() if one.key in kept),
        )


# --- Duration, bank, clauses ----------------------------------------------------------------------


class DurationForm(SectionForm):
    section = "duration"

    starts_on = _date("Premier jour du contrat")
    ends_on = _date(
        "Dernier jour du contrat",
        required=False,
        help_text="Vide : cinq ans après le premier jour, ou deux ans pour un CPOM.",
    )

    def first(self) -> dict[str, Any]:
        return {"starts_on": self.terms.starts_on, "ends_on": self.terms.ends_on}

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        starts, ends = given.get("starts_on"), given.get("ends_on")
        if starts and ends is None and "ends_on" not in self.errors:
            given["ends_on"] = ends = (
                _two_years(starts) if self.terms.form == said.CPOM else five_years(starts)
            )
        if starts and ends and ends < starts:
            self.add_error(
                "ends_on", "Le contrat finirait avant de commencer : corrigez l’une des deux dates."
            )
        return given

    def asked(self) -> ContractTerms:
        return replace(
            self.terms,
            starts_on=self.cleaned_data["starts_on"],
            ends_on=self.cleaned_data["ends_on"],
        )


def _two_years(starts: date) -> date:
    return date.fromordinal(add_months(starts, 24).toordinal() - 1)


class BankForm(SectionForm):
    """Where the money goes. The number is checked, then only what recognises it is kept."""

    section = "bank"

    holder = forms.CharField(
        label="Titulaire du compte",
        max_length=200,
        error_messages={"required": "Écrivez au nom de qui est le compte."},
    )
    iban = forms.CharField(
        label="IBAN",
        max_length=42,
        required=False,
        help_text="Le portail ne garde que ses premiers et ses derniers signes ; le relevé complet "
        "est remis à la CPAM. Vide : le compte déjà écrit reste.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def first(self) -> dict[str, Any]:
        return {"holder": self.terms.bank.holder}

    def clean_iban(self) -> str:
        number = re.sub(r"\s", "", self.cleaned_data["iban"]).upper()
        if not number:
            return ""
        if not _IBAN.fullmatch(number) or not _iban_checks(number):
            raise ValidationError(
                "Ce numéro n’est pas un IBAN : un signe manque ou est mal recopié. Reprenez-le "
                "depuis le relevé d’identité bancaire."
            )
        return number

    def asked(self) -> ContractTerms:
        number = self.cleaned_data["iban"]
        masked = f"{number[:4]} •••• {number[-4:]}" if number else self.terms.bank.masked_iban
        bank = Bank(holder=self.cleaned_data["holder"], masked_iban=masked)
        return replace(self.terms, bank=bank)


def _iban_checks(number: str) -> bool:
    """Whether its two digits are the key of the rest (ISO 13616: modulo 97)."""
    moved = number[4:] + number[:4]
    return int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1


class ClausesForm(SectionForm):
    section = "clauses"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.count = min(len(kwargs["draft"].says.clauses) + 1, MOST_CLAUSES)
        super().__init__(*args, **kwargs)
        for rank in range(self.count):
            self.fields[f"title_{rank}"] = forms.CharField(
                label="Titre de la clause", max_length=200, required=False
            )
            self.fields[f"text_{rank}"] = forms.CharField(
                label="Texte",
                max_length=5_000,
                required=False,
                widget=forms.Textarea(attrs={"rows": 5}),
            )
            for name in (f"title_{rank}", f"text_{rank}"):
                dress(self.fields[name])

    def first(self) -> dict[str, Any]:
        return {
            f"{name}_{rank}": getattr(one, name)
            for rank, one in enumerate(self.terms.clauses)
            for name in ("title", "text")
        }

    def groups(self) -> list[Group]:
        form: Any = self
        return [
            Group(
                "Nouvelle clause" if rank == self.count - 1 else f"Clause {rank + 1}",
                (form[f"title_{rank}"], form[f"text_{rank}"]),
            )
            for rank in range(self.count)
        ]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        for rank in range(self.count):
            title, text = given.get(f"title_{rank}"), given.get(f"text_{rank}")
            if bool(title) != bool(text):
                self.add_error(
                    f"title_{rank}", "Une clause a un titre et un texte : écrivez les deux."
                )
        return given

    def asked(self) -> ContractTerms:
        given = self.cleaned_data
        clauses = tuple(
            Clause(title=given[f"title_{rank}"], text=given[f"text_{rank}"])
            for rank in range(self.count)
            if given[f"title_{rank}"]
        )
        return replace(self.terms, clauses=clauses)


# --- Indicators -----------------------------------------------------------------------------------


def read_decimal(text: str) -> Decimal:
    """« 1 250,5 » as 1250.5. Raises ValidationError for no number, or one out of reach."""
    tidy = re.sub(r"[\s\u202f\u00a0%]", "", text).replace(",", ".")
    try:
        value = Decimal(tidy) if re.fullmatch(r"-?\d{1,12}(\.\d{1,6})?", tidy) else None
    except InvalidOperation:
        value = None
    if value is None or abs(value) > _BIGGEST:
        raise ValidationError(
            f"«{NBSP}{text.strip()[:30]}{NBSP}» n’est pas un nombre : écrivez par exemple 69,7."
        )
    return value


def read_target(text: str, year: int) -> Target | None:
    """A year's target as typed: nothing, « oui », a number, or « 69,7 : 50 % ; 75 : 100 % »."""
    text = text.strip()
    if not text:
        return None
    if text.casefold() in {"oui", "fait"}:
        return Target(year=year)
    if ":" not in text:
        return Target(year=year, value=read_decimal(text))
    steps = []
    for piece in text.split(";"):
        threshold, _, rate = piece.partition(":")
        part = read_decimal(rate) / 100
        if not 0 <= part <= 1:
            raise ValidationError("Le taux d’un palier va de 0 à 100 %.")
        steps.append(Step(threshold=read_decimal(threshold), rate=part))
    return Target(year=year, steps=tuple(steps))


def typed_target(target: Target) -> str:
    """A target as `read_target` reads it."""
    if target.steps:
        return " ; ".join(
            f"{plain(one.threshold)} : {plain(one.rate * 100)} %" for one in target.steps
        )
    return "oui" if target.value is None else plain(target.value)


class IndicatorForm(SectionForm):
    """One indicator of the contract; `known` is the one changed, `entry` that of the library."""

    section = "indicators"

    mission = forms.ChoiceField(label="Mission")
    label = forms.CharField(
        label="Indicateur",
        max_length=200,
        error_messages={"required": "Écrivez ce qui est mesuré."},
    )
    kind = forms.ChoiceField(label="Façon de mesurer", choices=list(said.INDICATOR_KINDS.items()))
    unit = forms.CharField(
        label="Unité", max_length=40, required=False, help_text="%, patients, réunions…"
    )
    lower_is_better = forms.BooleanField(
        label="Un nombre plus bas est un meilleur résultat", required=False
    )
    weight = forms.CharField(
        label="Poids dans la mission",
        max_length=12,
        initial="1",
        help_text="Deux indicateurs de même poids comptent autant dans la part variable.",
    )
    baseline = forms.CharField(label="Situation de départ", max_length=20, required=False)
    baseline_year = forms.IntegerField(
        label="Année de cette situation", min_value=1990, max_value=2100, required=False
    )
    source = forms.CharField(label="Source", max_length=200, required=False)
    proofs = forms.CharField(
        label="Preuves à fournir",
        max_length=2_000,
        required=False,
        help_text="Une par ligne. Jamais de donnée qui permette de reconnaître un patient.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(
        self,
        *args: Any,
        known: Indicator | None = None,
        entry: Entry | None = None,
        **kwargs: Any,
    ) -> None:
        self.known = known
        self.shown = known or (entry.indicator if entry else None)
        super().__init__(*args, **kwargs)
        labels = {one.key: one.label for one in current_rates().missions}
        chosen = [one.key for one in self.terms.missions]
        if self.terms.form == said.CPOM:
            chosen = list(labels)
        mission: Any = self.fields["mission"]
        mission.choices = [(key, labels.get(key, key)) for key in chosen]
        for year in YEARS:
            name = f"target_{year}"
            self.fields[name] = forms.CharField(
                label=f"Cible de l’année {year}", max_length=200, required=False
            )
            dress(self.fields[name])
        self.fields["target_1"].help_text = (
            f"Un nombre (80), «{NBSP}oui{NBSP}», ou des paliers{NBSP}: "
            f"69,7 : 50{NBSP}% ; 75 : 100{NBSP}%. Vide : comme l’année précédente."
        )

    def first(self) -> dict[str, Any]:
        one = self.shown
        if one is None:
            return {"weight": "1"}
        targets = {f"target_{each.year}": typed_target(each) for each in one.targets}
        return {
            "mission": one.mission,
            "label": one.label,
            "kind": one.kind,
            "unit": one.unit,
            "lower_is_better": one.lower_is_better,
            "weight": plain(one.weight),
            "baseline": "" if one.baseline is None else plain(one.baseline),
            "baseline_year": one.baseline_year,
            "source": one.source,
            "proofs": "\n".join(one.proofs),
            **targets,
        }

    def groups(self) -> list[Group]:
        form: Any = self
        measured = ("mission", "label", "kind", "unit", "lower_is_better", "weight")
        start = ("baseline", "baseline_year", "source", "proofs")
        return [
            Group("Ce qui est mesuré", tuple(form[name] for name in measured)),
            Group("Départ et preuves", tuple(form[name] for name in start)),
            Group("Cibles", tuple(form[f"target_{year}"] for year in YEARS)),
        ]

    def clean_weight(self) -> Decimal:
        value = read_decimal(self.cleaned_data["weight"])
        if not 0 < value <= 1000:
            raise ValidationError("Le poids est au-dessus de zéro : écrivez par exemple 1.")
        return value

    def clean_baseline(self) -> Decimal | None:
        text = self.cleaned_data["baseline"]
        return read_decimal(text) if text else None

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        targets = []
        for year in YEARS:
            try:
                target = read_target(given.get(f"target_{year}") or "", year)
            except ValidationError as wrong:
                self.add_error(f"target_{year}", wrong)
            else:
                targets += [target] if target else []
        if not targets and not self.errors:
            self.add_error("target_1", "Écrivez au moins la cible de la première année.")
        given["targets"] = tuple(targets)
        return given

    def asked(self) -> ContractTerms:
        given = self.cleaned_data
        keys = {one.key for one in self.terms.indicators}
        key = self.known.key if self.known else _free_key(self.shown, keys)
        made = Indicator(
            key=key,
            proofs=tuple(line.strip() for line in given["proofs"].splitlines() if line.strip()),
            **{
                name: given[name]
                for name in (
                    "mission",
                    "label",
                    "kind",
                    "weight",
                    "unit",
                    "lower_is_better",
                    "baseline",
                    "baseline_year",
                    "source",
                    "targets",
                )
            },
        )
        kept = [one for one in self.terms.indicators if one.key != key]
        rank = next(
            (rank for rank, one in enumerate(self.terms.indicators) if one.key == key), len(kept)
        )
        return replace(self.terms, indicators=(*kept[:rank], made, *kept[rank:]))


def _free_key(shown: Indicator | None, keys: set[str]) -> str:
    wanted = shown.key if shown else "indicateur"
    found, rank = wanted, 2
    while found in keys:
        found, rank = f"{wanted}-{rank}", rank + 1
    return found


def library_entries(terms: ContractTerms) -> list[Entry]:
    """The indicators of the library that fit the missions chosen and are not in the draft yet."""
    chosen = {one.key for one in terms.missions}
    there = {one.key for one in terms.indicators}
    return [
        one
        for one in library().entries
        if one.indicator.mission in chosen and one.indicator.key not in there
    ]


SECTION_FORMS: Final[dict[str, type[SectionForm]]] = {
    "parties": PartiesForm,
    "representatives": RepresentativesForm,
    "territory": TerritoryForm,
    "size": SizeForm,
    "missions": MissionsForm,
    "duration": DurationForm,
    "bank": BankForm,
    "clauses": ClausesForm,
}


class YearlyForm(SectionForm):
    """What a CPOM pays a year."""

    section = "rates"

    yearly_amount = AmountField(
        label="Aide annuelle, en euros",
        error_messages={"required": "Écrivez l’aide que l’ARS verse chaque année."},
    )

    def first(self) -> dict[str, Any]:
        return {"yearly_amount": self.terms.yearly_amount}

    def clean_yearly_amount(self) -> Decimal:
        amount: Decimal = self.cleaned_data["yearly_amount"]
        try:
            cpom_rates(amount)
        except RatesError as refused:
            raise ValidationError(
                f"Un CPOM va jusqu’à {euros(cpom_rates().rates[0].amount)} par an : écrivez un "
                "montant qui ne le dépasse pas."
            ) from refused
        return amount

    def asked(self) -> ContractTerms:
        return replace(self.terms, yearly_amount=self.cleaned_data["yearly_amount"])


def form_of(section: str, draft: Draft) -> type[SectionForm] | None:
    """The form of a section for this nature of contract; None for one without."""
    if section == "rates" and draft.says.form == said.CPOM:
        return YearlyForm
    return SECTION_FORMS.get(section)


# --- Opening, and words -------------------------------------------------------------------------


class OpenForm(PortalForm):
    """What a contract opens with."""

    form = forms.ChoiceField(
        label="Nature du contrat",
        widget=forms.RadioSelect,
        choices=[
            (Contract.Form.ACI, "Contrat tripartite (ACI) : la CPTS, l’ARS et la CPAM"),
            (Contract.Form.CPOM, "CPOM, ancien modèle : la CPTS et l’ARS"),
        ],
        initial=Contract.Form.ACI,
    )
    cpam = forms.ModelChoiceField(
        label="CPAM qui signe et qui paie",
        queryset=Organisation.objects.none(),
        empty_label="Choisissez",
        required=False,
        help_text="Parmi celles du territoire. Un CPOM n’en a pas.",
    )
    recognised_on = _date("Jour où la CPTS a été reconnue", required=False)
    act = forms.CharField(
        label="Acte qui l’a reconnue",
        max_length=100,
        required=False,
        help_text="Par exemple : courrier de reconnaissance du 2 mars 2020.",
    )

    def __init__(self, *args: Any, opening: Opening, asks_recognition: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asks_recognition = asks_recognition
        cpam: Any = self.fields["cpam"]
        cpam.queryset = Organisation.objects.filter(pk__in=[one.pk for one in opening.cpams])
        for one in self.fields.values():
            vars(one)["is_wanted"] = True
        if len(opening.cpams) == 1:
            cpam.initial = opening.cpams[0]
        if not asks_recognition:
            del self.fields["recognised_on"], self.fields["act"]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("form") == Contract.Form.ACI and not given.get("cpam"):
            self.add_error("cpam", "Choisissez la CPAM qui signe et qui paie.")
        if self.asks_recognition:
            for name, message in (
                ("recognised_on", "Écrivez le jour de la reconnaissance."),
                ("act", "Écrivez quel acte a reconnu la CPTS."),
            ):
                if not given.get(name) and name not in self.errors:
                    self.add_error(name, message)
        return given


class ReasonForm(PortalForm):
    drawn_from = ()

    reason = forms.CharField(
        label="Pourquoi",
        max_length=2_000,
        help_text="Les autres parties le liront.",
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Écrivez pourquoi : les autres parties le liront."},
    )
