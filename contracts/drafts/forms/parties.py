"""The section of the parties: who they are, and their numbers."""

import re
from dataclasses import replace
from typing import Any, Final

from django import forms

from communities.numbers import bare, rna_problem, siret_problem
from contracts import terms as said
from contracts.drafts.forms.base import Group, SectionForm
from contracts.terms import (
    ContractTerms,
)
from cpts_portal.forms import dress
from cpts_portal.words import NBSP

FINESS_SHAPE: Final = r"^([0-9]{9}|2[AB][0-9]{7})$"


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
