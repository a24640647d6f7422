"""The forms of messages and of the texts an office keeps."""

import uuid
from datetime import date
from typing import Any

from django import forms

from cpts_portal.forms import DayField, PortalForm
from workflow import message_templates
from workflow.messages import LONGEST_SUBJECT, Written, date_problems, text_problems


class MessageForm(PortalForm):
    """One message. Lengths are checked here and not by the browser, which would cut silently."""

    subject = forms.CharField(
        label="Objet",
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={},
    )
    text = forms.CharField(
        label="Votre message",
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="20 000 caractères au plus. N’écrivez aucune donnée de patient.",
        error_messages={
            "required": "Le message est vide : écrivez ce que vous voulez dire, puis envoyez-le."
        },
    )
    answer_expected = forms.BooleanField(
        label="J’attends une réponse",
        required=False,
        help_text="Elle est rappelée à l’autre partie jusqu’à ce qu’elle réponde.",
    )
    answer_by = DayField(
        "Réponse souhaitée avant la fin du",
        required=False,
    )
    submission = forms.UUIDField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, sending: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sending = sending
        # A draft may have none yet.
        self.fields["text"].required = sending

    def clean_subject(self) -> str:
        subject: str = self.cleaned_data["subject"]
        if len(subject) > LONGEST_SUBJECT:
            raise forms.ValidationError(
                f"L’objet compte {len(subject)} caractères ; {LONGEST_SUBJECT} au plus. "
                "Raccourcissez-le."
            )
        return subject

    def clean_text(self) -> str:
        text: str = Written.of(text=self.cleaned_data["text"]).text
        wrong = text_problems(text)
        if self.sending and (left := message_templates.blanks(text)):
            wrong.append(
                f"Le message contient encore {', '.join(left)} : complétez ou effacez ce passage."
            )
        if wrong:
            raise forms.ValidationError(wrong)
        return text

    def clean_answer_by(self) -> date | None:
        answer_by: date | None = self.cleaned_data["answer_by"]
        if wrong := date_problems(answer_by):
            raise forms.ValidationError(wrong)
        return answer_by

    def written(self, answers: frozenset[int] = frozenset()) -> Written:
        """What a valid form holds."""
        data = self.cleaned_data
        return Written.of(
            text=data["text"],
            subject=data["subject"],
            answer_expected=data["answer_expected"],
            answer_by=data["answer_by"],
            answers=answers,
        )

    def submission_id(self) -> uuid.UUID:
        """What tells this sending from another; a new one when the form lost its own."""
        return self.cleaned_data.get("submission") or uuid.uuid4()


class TemplateForm(PortalForm):
    """A text an office keeps."""

    name = forms.CharField(
        label="Nom du modèle",
        help_text="Tel que vos collègues le choisiront, par exemple « Accusé de prise en charge ».",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    subject = forms.CharField(
        label="Objet du message",
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    text = forms.CharField(label="Texte", widget=forms.Textarea(attrs={"rows": 12}))

    def clean_name(self) -> str:
        return self._short("name", message_templates.LONGEST_NAME)

    def clean_subject(self) -> str:
        subject = self._short("subject", message_templates.LONGEST_SUBJECT)
        return self._tagged(subject)

    def clean_text(self) -> str:
        text = Written.of(text=self.cleaned_data["text"]).text
        if wrong := text_problems(text):
            raise forms.ValidationError(wrong)
        return self._tagged(text)

    def _short(self, name: str, most: int) -> str:
        value = " ".join(str(self.cleaned_data[name]).split(" ")).strip()
        if len(value) > most:
            raise forms.ValidationError(
                f"Ce texte compte {len(value)} caractères ; {most} au plus. Raccourcissez-le."
            )
        return value

    @staticmethod
    def _tagged(text: str) -> str:
        if wrong := message_templates.problems(text):
            raise forms.ValidationError(wrong)
        return text
