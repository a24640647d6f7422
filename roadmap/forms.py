"""The forms of the roadmap: who to invite, what to ask, when to meet, what to note."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from accounts.models import Organisation
from cpts_portal.forms import DayField, HourField, PortalForm
from roadmap.models import HelpRequest
from roadmap.services import LONGEST_TEXT
from workflow.opinion_forms import LongText

_CHOOSE = {
    "required": "Choisissez un organisme.",
    "invalid_choice": "Choisissez un organisme de la liste.",
}


class _WithOrganisation(PortalForm):
    """A form that names an organisation among a few."""

    def __init__(self, *args: Any, organisations: Sequence[Organisation], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["organisation"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - each child declares it
        known = {one.pk: one for one in organisations}
        field.queryset = Organisation.objects.filter(pk__in=known)
        blank = [] if field.required else [("", field.empty_label or "")]
        field.choices = [*blank, *((pk, str(one)) for pk, one in known.items())]
        # Drawn once for these organisations.
        self.drawn_from = tuple((self.prefix, pk, str(one)) for pk, one in known.items())


class InviteForm(_WithOrganisation):
    organisation = forms.ModelChoiceField(
        Organisation.objects.none(), label="Organisme de votre région", error_messages=_CHOOSE
    )


class HelpForm(_WithOrganisation):
    organisation = forms.ModelChoiceField(
        Organisation.objects.none(), label="À qui", error_messages=_CHOOSE
    )
    kind = forms.ChoiceField(
        label="Quelle aide",
        choices=HelpRequest.Kind.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez quelle aide vous demandez."},
    )
    text = LongText(
        longest=LONGEST_TEXT,
        rows=4,
        label="Ce dont vous avez besoin",
        help_text="Aucune donnée de patient.",
        error_messages={"required": "Écrivez ce dont vous avez besoin."},
    )


class AnswerForm(PortalForm):
    text = LongText(
        longest=LONGEST_TEXT,
        rows=3,
        label="Votre réponse",
        error_messages={"required": "Écrivez votre réponse."},
    )


class MeetingForm(_WithOrganisation):
    organisation = forms.ModelChoiceField(
        Organisation.objects.none(), label="Avec qui", error_messages=_CHOOSE
    )
    subject = forms.CharField(
        label="Objet", max_length=150, error_messages={"required": "Écrivez l’objet."}
    )
    day = DayField("Date")
    starts = HourField("Début", "18:30")
    ends = HourField("Fin", "20:00")
    place = forms.CharField(
        label="Lieu",
        max_length=300,
        help_text="Une adresse, ou le lien de la visioconférence.",
        error_messages={"required": "Écrivez le lieu."},
    )

    def planned(self) -> dict[str, Any]:
        """What a valid form holds, its day and hours put together in the portal's time zone."""
        data = dict(self.cleaned_data)
        day = data.pop("day")
        zone = timezone.get_current_timezone()
        data["starts_at"] = datetime.combine(day, data.pop("starts"), zone)
        data["ends_at"] = datetime.combine(day, data.pop("ends"), zone)
        return data


class NoteForm(_WithOrganisation):
    organisation = forms.ModelChoiceField(
        Organisation.objects.none(),
        label="Partager avec",
        required=False,
        empty_label="Personne : la note reste de notre côté",
        error_messages=_CHOOSE,
    )
    text = LongText(
        longest=LONGEST_TEXT,
        rows=3,
        label="Note",
        help_text="Aucune donnée de patient.",
        error_messages={"required": "Écrivez la note."},
    )
