"""Choosing which mails one receives."""

from typing import Any

from django import forms

from accounts.models import User
from cpts_portal.forms import PortalForm
from notifications.kinds import KINDS, Cadence, Reader
from notifications.services import choices_of


class ChoicesForm(PortalForm):
    """One question per kind of notification, in groups by whom it is for."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for key, cadence in choices_of(user).items():
            self.fields[key] = forms.ChoiceField(
                label=KINDS[key].label,
                choices=Cadence.choices,
                initial=cadence,
                widget=forms.Select(attrs={"class": "fr-select"}),
            )
            vars(self.fields[key])["group_class"] = "fr-select-group"

    def groups(self) -> list[tuple[str, list[Any]]]:
        """The questions by reader, in the order of the page."""
        return [
            (reader.label, [self[key] for key in self.fields if KINDS[key].reader == reader])
            for reader in Reader
        ]

    def cadences(self) -> dict[str, Cadence]:
        return {key: Cadence(value) for key, value in self.cleaned_data.items()}
