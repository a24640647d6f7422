"""The forms of complements: what the office asks, changes and takes back; a word of the team."""

from datetime import date
from typing import Any, cast

from django import forms
from django.utils import timezone

from cpts_portal.forms import DayField, PortalForm
from workflow.complement_asking import Asked
from workflow.complements import LONGEST_TEXT
from workflow.kinds import Target
from workflow.models import CompletionItem
from workflow.opinion_forms import LongText


def _last_day(label: str, help_text: str) -> DayField:
    return DayField(label, help_text=help_text, missing="Donnez une date limite.")


class RequestForm(PortalForm):
    """What goes with all the items: the last day, and a word to the team."""

    due_on = _last_day(
        "Dernier jour pour répondre",
        "Ce jour compris. L’équipe pourra encore répondre après, et vous pourrez le reporter.",
    )
    message = LongText(
        longest=LONGEST_TEXT,
        rows=4,
        label="Message à l’équipe",
        help_text="Ce qui vaut pour toute la demande. Chaque point a sa propre précision.",
        required=False,
    )


class ItemForm(PortalForm):
    """One thing to complete."""

    key = forms.ChoiceField(
        label="Ce qui est à compléter",
        help_text="Un champ, une pièce ou le territoire, dans l’ordre du formulaire.",
        error_messages={
            "required": "Choisissez ce qui est à compléter.",
            "invalid_choice": "Choisissez un champ de la liste.",
        },
    )
    reason = forms.ChoiceField(
        label="Pourquoi",
        choices=CompletionItem.Reason.choices,
        widget=forms.RadioSelect,
        initial=CompletionItem.Reason.MISSING,
        error_messages={"required": "Dites pourquoi ce point est à compléter."},
    )
    comment = LongText(
        longest=LONGEST_TEXT,
        rows=3,
        label="Ce que vous attendez",
        help_text="En une phrase que l’équipe comprendra sans vous appeler. Nécessaire pour un "
        "point à préciser.",
        required=False,
    )
    blocking = forms.BooleanField(
        label="Indispensable : aucune décision tant que ce point n’est pas fourni",
        required=False,
        initial=True,
    )

    def __init__(self, *args: Any, targets: list[Target], taken: set[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups: dict[str, list[tuple[str, str]]] = {}
        for target in targets:
            if target.key not in taken:
                groups.setdefault(target.group, []).append((target.key, target.label))
        cast(Any, self.fields["key"]).choices = [("", "Choisir"), *groups.items()]

    def asked(self) -> Asked:
        """What the office asks, once the form is valid."""
        return Asked(
            key=self.cleaned_data["key"],
            reason=self.cleaned_data["reason"],
            comment=self.cleaned_data["comment"],
            blocking=self.cleaned_data["blocking"],
        )


class ExtendCompletionForm(PortalForm):
    """A later last day."""

    due_on = _last_day(
        "Nouveau dernier jour pour répondre", "Après la date actuelle, ce jour compris."
    )
    comment = LongText(longest=LONGEST_TEXT, rows=3, label="Un mot à l’équipe", required=False)

    def __init__(self, *args: Any, due_on: date | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["due_on"].widget.attrs["min"] = (due_on or timezone.localdate()).isoformat()


class ReasonForm(PortalForm):
    """Why: the team reads it."""

    reason = LongText(
        longest=LONGEST_TEXT,
        rows=4,
        label="Pourquoi",
        help_text="L’équipe lira cette raison.",
        error_messages={"required": "Écrivez pourquoi : l’équipe lira cette raison."},
    )


class NoteForm(PortalForm):
    """What the team says of an item."""

    word = LongText(
        longest=LONGEST_TEXT,
        rows=3,
        label="Un mot au bureau sur ce point",
        help_text="Si rien n’est à changer, dites pourquoi. Pour l’effacer, videz ce champ.",
        required=False,
    )
