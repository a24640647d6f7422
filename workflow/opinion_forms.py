"""The forms of opinions: what a body writes, and what the office in charge asks of it."""

from collections.abc import Iterator
from datetime import date
from typing import Any, cast

from django import forms
from django.forms.boundfield import BoundField
from django.utils.html import format_html

from accounts.models import User
from cpts_portal.forms import DayField, PortalForm, dress
from procedures.circuit import Criterion, Grid
from procedures.grids import COMMENT_MAX_LENGTH, read_marks
from workflow.consultations import LONGEST_COMMENT
from workflow.models import ConflictDeclaration, Opinion
from workflow.opinion_states import Position
from workflow.opinions import (
    LONGEST_REASON,
    LONGEST_RESERVE,
    LONGEST_TEXT,
    MOST_RESERVES,
    lacks_before_validation,
)
from workflow.synthesis import LONGEST_SYNTHESIS


class LongText(forms.CharField):
    """A text of several lines, with its limit said in words when it is passed."""

    def __init__(self, *, longest: int, rows: int = 4, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.Textarea(attrs={"rows": rows}))
        super().__init__(max_length=longest, **kwargs)
        self.widget.attrs.pop("maxlength", None)
        self.error_messages["max_length"] = (
            "Ce texte compte %(show_value)s caractères ; il en accepte %(limit_value)s au plus. "
            "Raccourcissez-le."
        )


class OpinionForm(PortalForm):
    """A body's draft: its position, the grid of its circuit, a text and reserves.

    A draft may be saved with nothing in it; `submit` asks for all that an opinion needs.
    """

    use_required_attribute = False

    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    position = forms.ChoiceField(
        label="Position de votre organisme",
        choices=Position.choices,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Choisissez une position de la liste."},
    )
    text = LongText(
        longest=LONGEST_TEXT,
        rows=10,
        label="Texte de l’avis",
        help_text="Ce que votre organisme veut dire du projet. Nécessaire pour un avis défavorable "
        "ou sans avis. N’écrivez aucune donnée sur des patients.",
        required=False,
    )

    def __init__(
        self,
        *args: Any,
        grid: Grid | None,
        opinion: Opinion | None = None,
        rows: int = 0,
        submit: bool = False,
        **kwargs: Any,
    ) -> None:
        self.grid = grid
        self.submit = submit
        if opinion is not None:
            kwargs["initial"] = _initial(opinion)
        super().__init__(*args, **kwargs)
        known = len(opinion.reserves) if opinion else 0
        if self.is_bound:
            rows = sum(1 for name in self.data if name.startswith("reserve_"))
        self._add_criteria()
        self.rows = min(max(rows, known, 1), MOST_RESERVES)
        for number in range(self.rows):
            self.fields[f"reserve_{number}"] = LongText(
                longest=LONGEST_RESERVE, rows=2, label=f"Réserve {number + 1}", required=False
            )
        for field in self.fields.values():
            dress(field)

    def _add_criteria(self) -> None:
        for criterion in self.grid.criteria if self.grid else ():
            choices = [
                (str(m.value), f"{m.value} · {m.label}") for m in cast(Grid, self.grid).scale
            ]
            self.fields[f"mark_{criterion.key}"] = forms.ChoiceField(
                label=criterion.label,
                help_text=criterion.help,
                choices=choices,
                widget=forms.RadioSelect,
                error_messages={"invalid_choice": "Choisissez une note de l’échelle."},
            )
            self.fields[f"comment_{criterion.key}"] = LongText(
                longest=COMMENT_MAX_LENGTH,
                rows=2,
                label=format_html(
                    'Commentaire<span class="fr-sr-only"> sur ce critère : {}</span>',
                    criterion.label,
                ),
                required=False,
            )

    def full_clean(self) -> None:
        """A missing answer is for `clean` to name, in the words of the service; never « vide »."""
        asked = [field for field in self.fields.values() if field.required]
        for field in asked:
            field.required = False
        super().full_clean()
        for field in asked:
            field.required = True

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if self.submit and not self.errors:
            for name, sentence in lacks_before_validation(Opinion(**self.content()), self.grid):
                self.add_error("reserve_0" if name == "reserves" else name, sentence)
        return data

    def content(self) -> dict[str, Any]:
        """What was written, as `draft_opinion` takes it."""
        data = self.cleaned_data
        marks = {
            criterion.key: {
                "mark": data.get(f"mark_{criterion.key}", ""),
                "comment": data.get(f"comment_{criterion.key}", ""),
            }
            for criterion in (self.grid.criteria if self.grid else ())
        }
        reserves = [data.get(f"reserve_{number}", "") for number in range(self.rows)]
        return {
            "position": data.get("position", ""),
            "text": data.get("text", ""),
            "reserves": [one for one in reserves if one],
            "marks": read_marks(self.grid, marks) if self.grid else {},
        }

    def criteria(self) -> Iterator[tuple[Criterion, BoundField, BoundField]]:
        """Each criterion with the control of its mark and that of its comment."""
        for criterion in self.grid.criteria if self.grid else ():
            yield criterion, self[f"mark_{criterion.key}"], self[f"comment_{criterion.key}"]

    def reserves(self) -> Iterator[tuple[int, BoundField]]:
        for number in range(self.rows):
            yield number, self[f"reserve_{number}"]

    @property
    def may_add_reserve(self) -> bool:
        return self.rows < MOST_RESERVES


def _initial(opinion: Opinion) -> dict[str, Any]:
    initial: dict[str, Any] = {
        "revision": opinion.revision,
        "position": opinion.position,
        "text": opinion.text,
    }
    for key, entry in opinion.marks.items():
        initial[f"mark_{key}"] = "" if entry["mark"] is None else str(entry["mark"])
        initial[f"comment_{key}"] = entry["comment"]
    for number, text in enumerate(opinion.reserves):
        initial[f"reserve_{number}"] = text
    return initial


class SendBackForm(PortalForm):
    """Why a submitted draft goes back to its writer."""

    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    comment = LongText(
        longest=LONGEST_REASON,
        label="Ce qu’il faut changer",
        help_text="Le rédacteur reçoit ce message. Il ne sort pas de votre organisme.",
        error_messages={
            "required": "Dites au rédacteur ce qu’il faut changer : il lira ce message."
        },
    )


class ConflictForm(PortalForm):
    """No conflict of interest, and why; or the person steps aside."""

    use_required_attribute = False

    outcome = forms.ChoiceField(
        label="Votre déclaration",
        choices=[
            (
                ConflictDeclaration.Outcome.WITHDRAWN,
                "Je me déporte : un autre membre de mon organisme donnera l’avis",
            ),
            (ConflictDeclaration.Outcome.NONE, "Il n’y a pas de conflit d’intérêts"),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez l’une des deux déclarations."},
    )
    reason = LongText(
        longest=LONGEST_REASON,
        label="Explication",
        help_text="Nécessaire si vous déclarez qu’il n’y a pas de conflit. Le bureau en charge du "
        "dossier la lira.",
        required=False,
    )

    def __init__(self, *args: Any, must_step_aside: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if must_step_aside:
            field = cast("forms.ChoiceField", self.fields["outcome"])
            field.choices = [*cast("list[Any]", field.choices)][:1]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("outcome") == ConflictDeclaration.Outcome.NONE and not data.get("reason"):
            self.add_error(
                "reason",
                "Expliquez pourquoi il n’y a pas de conflit d’intérêts : le bureau en charge du "
                "dossier lira cette explication.",
            )
        return data


class ExtendForm(PortalForm):
    """A later deadline for a body."""

    due_on = DayField(
        "Nouvelle date limite",
        help_text="Le dernier jour pour répondre, compris. Exemple : 15/03/2027.",
        missing="Indiquez la nouvelle date limite.",
    )
    comment = LongText(
        longest=LONGEST_COMMENT,
        label="Motif",
        help_text="Il reste dans le journal de la consultation.",
        required=False,
    )


class AskAgainForm(PortalForm):
    """A new opinion, by a date and for a reason."""

    due_on = DayField(
        "Attendu jusqu’au",
        help_text="Le dernier jour pour répondre, compris. Exemple : 15/03/2027.",
        missing="Indiquez jusqu’à quand le nouvel avis est attendu.",
    )
    comment = LongText(
        longest=LONGEST_COMMENT,
        label="Pourquoi un nouvel avis",
        help_text="L’organisme lit ce motif dans le courriel qui lui est envoyé.",
        error_messages={"required": "Dites à l’organisme pourquoi un nouvel avis est demandé."},
    )


class RevokeForm(PortalForm):
    """Why a body is no longer asked."""

    reason = LongText(
        longest=LONGEST_COMMENT,
        label="Motif du retrait",
        help_text="L’organisme lit ce motif dans le courriel qui lui est envoyé.",
        error_messages={"required": "Dites à l’organisme pourquoi son avis n’est plus demandé."},
    )


class SynthesisForm(PortalForm):
    """The text that goes with the opinions."""

    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    text = LongText(
        longest=LONGEST_SYNTHESIS,
        rows=18,
        label="Texte de la synthèse",
        help_text="Ce que les avis, pris ensemble, disent du projet. Le tableau des avis et les "
        "réserves réunies y sont joints d’eux-mêmes.",
        required=False,
    )


class MandateForm(PortalForm):
    """Who validates in the president's place, from a day to a day."""

    holder = forms.ModelChoiceField(
        User.objects.none(),
        label="Personne qui reçoit le mandat",
        empty_label="Choisissez un membre",
        error_messages={
            "required": "Choisissez la personne qui validera les avis.",
            "invalid_choice": "Cette personne n’est pas membre de votre organisme : choisissez-en "
            "une de la liste.",
        },
    )
    valid_from = DayField(
        "À partir du",
        help_text="Premier jour du mandat, compris.",
        missing="Indiquez le premier jour du mandat.",
    )
    valid_to = DayField(
        "Jusqu’au",
        help_text="Dernier jour, compris : un an au plus.",
        missing="Indiquez le dernier jour du mandat.",
    )

    def __init__(self, *args: Any, members: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField[User]", self.fields["holder"]).queryset = members


def initial_due(days: int | None, today: date) -> date:
    """The deadline offered first: as many days as the circuit gives."""
    return date.fromordinal(today.toordinal() + (days or 15))
