"""What the forms of the sections of a draft share."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from contracts.models import Draft
from contracts.terms import (
    ContractTerms,
)
from cpts_portal.forms import DayField, PortalForm
from cpts_portal.memo import Memo
from cpts_portal.words import NBSP

_drawn: Final = Memo[SafeString](limit=2_000_000, weigh=len)


def date_field(label: str, **given: Any) -> DayField:
    return DayField(
        label,
        missing=f"Écrivez la date{NBSP}: {label[:1].lower()}{label[1:]}.",
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
    # Whether it shows what the draft says and nothing else, until it is filled in.
    is_as_kept = True

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

    def beside(self) -> Hashable:
        """What the fields are drawn from, beside the terms and their first values."""
        return ()

    def drawn(self) -> SafeString:
        """The refusals, then the fields. A form nobody has filled in is drawn once for each text
        and party."""
        if self.is_bound or not self.is_as_kept:
            return self._draw()
        first = tuple(
            (name, tuple(value) if isinstance(value, list) else value)
            for name, value in self.initial.items()
        )
        return _drawn.get((type(self), self.party, self.terms, first, self.beside()), self._draw)

    def _draw(self) -> SafeString:
        return SafeString(render_to_string("contracts/_draft_fields.html", {"form": self}))

    def asked(self) -> ContractTerms:
        raise NotImplementedError
