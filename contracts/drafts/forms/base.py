"""What the forms of the sections of a draft share."""

from dataclasses import dataclass
from typing import Any

from django import forms

from contracts.models import Draft
from contracts.terms import (
    ContractTerms,
)
from cpts_portal.forms import PortalForm
from cpts_portal.words import NBSP


def date_field(label: str, **given: Any) -> forms.DateField:
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
    # The button that shows one more group of the same fields; empty: the form has none.
    more_label = ""

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
