"""The section of the clauses that the parties add."""

from dataclasses import replace
from typing import Any, Final

from django import forms

from contracts.drafts.forms.base import Group, SectionForm
from contracts.terms import (
    Clause,
    ContractTerms,
)
from cpts_portal.forms import dress

MOST_CLAUSES: Final = 20


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
