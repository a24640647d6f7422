"""The section of the indicators: what is measured, from where, to which target each year."""

import re
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from contracts import terms as said
from contracts.dialogue.indicators import Entry, library
from contracts.drafts.forms.base import Group, SectionForm
from contracts.terms import (
    ContractTerms,
    Indicator,
    Step,
    Target,
    plain,
)
from cpts_portal.forms import dress
from cpts_portal.words import NBSP
from procedures.rates import current_rates

YEARS: Final = (1, 2, 3, 4, 5)


MOST_INDICATORS: Final = 60


_BIGGEST: Final = Decimal(1_000_000_000)


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


# Measured by a number: « oui » is no target for them.
_OF_NUMBERS: Final = frozenset({"ladder", "count"})


class IndicatorForm(SectionForm):
    """One indicator of the contract; `known` is the one changed, `entry` that of the library."""

    section = "indicators"
    is_as_kept = False

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
        mission: str = "",
        **kwargs: Any,
    ) -> None:
        self.known, self.asked_for = known, mission
        self.shown = known or (entry.indicator if entry else None)
        super().__init__(*args, **kwargs)
        labels = {one.key: one.label for one in current_rates().missions}
        chosen = [one.key for one in self.terms.missions]
        if self.terms.form == said.CPOM:
            chosen = list(labels)
        missions: Any = self.fields["mission"]
        missions.choices = [(key, labels.get(key, key)) for key in chosen]
        for year in YEARS:
            name = f"target_{year}"
            self.fields[name] = forms.CharField(
                label=f"Cible de l’année {year}",
                max_length=200,
                required=year == 1,
                error_messages={"required": "Écrivez au moins la cible de la première année."},
            )
            dress(self.fields[name])
        self.fields["target_1"].help_text = (
            f"Un nombre (80), «{NBSP}oui{NBSP}», ou des paliers{NBSP}: "
            f"69,7 : 50{NBSP}% ; 75 : 100{NBSP}%. Vide : comme l’année précédente."
        )

    def first(self) -> dict[str, Any]:
        one = self.shown
        if one is None:
            return {"weight": "1", "mission": self.asked_for}
        targets = {f"target_{each.year}": typed_target(each) for each in one.targets}
        if self.known is None and one.kind == "yes_no":
            # What is done or not has one target: the person who takes it has nothing to type.
            targets = {"target_1": "oui"} | targets
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
            Group("Cibles", tuple(form[f"target_{year}"] for year in YEARS)),
            Group("Départ et preuves (facultatif)", tuple(form[name] for name in start)),
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
                if target and target.is_yes and given.get("kind") in _OF_NUMBERS:
                    self.add_error(
                        f"target_{year}",
                        f"«{NBSP}Oui{NBSP}» ne dit pas combien{NBSP}: écrivez un nombre, ou "
                        f"mesurez par «{NBSP}{said.INDICATOR_KINDS['yes_no']}{NBSP}».",
                    )
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
    """The indicators of the library that fit the missions chosen (any, for a CPOM, that chooses
    none) and are not in the draft yet."""
    chosen = {one.key for one in terms.missions}
    there = {one.key for one in terms.indicators}
    return [
        one
        for one in library().entries
        if (one.indicator.mission in chosen or terms.form == said.CPOM)
        and one.indicator.key not in there
    ]
