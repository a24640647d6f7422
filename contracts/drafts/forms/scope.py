"""The sections that say what the contract covers: territory, size, missions, duration."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from django import forms

from contracts import terms as said
from contracts.drafts.forms.base import Group, SectionForm, date_field
from contracts.drafts.opening import sheets_in_force
from contracts.funding.schedule import five_years
from contracts.terms import (
    ContractTerms,
    MissionTerm,
)
from cpts_portal.forms import dress
from cpts_portal.words import NBSP, day
from procedures.rates import RateTable, current_rates
from territories.population import size_class
from workflow.legal_dates import add_months


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
            self.fields[f"start_{one.key}"] = date_field("Commence le", required=False)
            vars(self.fields[f"start_{one.key}"])["is_wanted"] = True
            self.fields[f"deployed_{one.key}"] = date_field(
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

    def beside(self) -> Hashable:
        missions = tuple((one.key, one.label, one.is_optional) for one in self.missions)
        return missions, tuple((one.key, one.title) for one in self.sheets.values())

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


class DurationForm(SectionForm):
    section = "duration"

    starts_on = date_field("Premier jour du contrat")
    ends_on = date_field(
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
