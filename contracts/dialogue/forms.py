"""What people type in a dialogue: a line, the spending, a review, an answer, a conclusion."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from accounts.models import User
from contracts.dialogue.agreeing import Agreed
from contracts.dialogue.minutes import Signer
from contracts.dialogue.reviewing import Reviewed
from contracts.dialogue.typed import LONGEST_TEXT
from contracts.missions.forms import ProofForm
from contracts.models import DialogueLine, LineReview, Spending
from contracts.models.dialogues import MOST_SPENT
from contracts.terms import CPTS
from cpts_portal.forms import PortalForm, dress
from cpts_portal.words import NBSP

_YES_NO: Final = [("1", "Oui"), ("0", "Non")]


class NumberField(forms.CharField):
    """A number as French writes it, « 66 811,5 ». Its value is a Decimal, or None."""

    def __init__(self, *, decimals: int = 4, **kwargs: Any) -> None:
        attrs = {"inputmode": "decimal", "maxlength": "20"}
        kwargs.setdefault("widget", forms.TextInput(attrs=attrs))
        super().__init__(**kwargs)
        self.decimals = decimals

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        bare = re.sub(r"[\s%€]", "", text).replace(",", ".").replace("−", "-")
        if not re.fullmatch(r"-?\d{1,12}(\.\d+)?", bare, re.ASCII):
            raise ValidationError(
                f"«{NBSP}{text[:30]}{NBSP}» n’est pas un nombre{NBSP}: écrivez par exemple 12 ou "
                "12,5."
            )
        number = Decimal(bare)
        if -int(number.as_tuple().exponent) > self.decimals:
            raise ValidationError(
                f"Ce nombre a plus de {self.decimals} décimales{NBSP}: arrondissez-le."
            )
        return number

    def prepare_value(self, value: Any) -> Any:
        return f"{value.normalize():f}".replace(".", ",") if isinstance(value, Decimal) else value


def _value_field(line: DialogueLine, label: str, *, required: bool) -> forms.Field:
    """« Oui » or « Non », or a number in the unit of the line."""
    if line.kind == "yes_no":
        return forms.TypedChoiceField(
            label=label,
            choices=_YES_NO,
            coerce=Decimal,
            empty_value=None,
            widget=forms.RadioSelect,
            required=required,
        )
    unit = f" ({line.unit})" if line.unit else ""
    return NumberField(label=f"{label}{unit}", required=required)


def _want(form: forms.Form, name: str) -> None:
    """Wanted in the end, and not said « facultatif », though a review is saved without it."""
    vars(form.fields[name])["is_wanted"] = True


def _shown(value: Decimal | None, line: DialogueLine) -> Any:
    if value is None:
        return None
    return ("1" if value >= 1 else "0") if line.kind == "yes_no" else value


class LineForm(ProofForm):
    """What an indicator reached, and a proof of it."""

    comment = forms.CharField(
        label="Commentaire",
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, line: DialogueLine, **kwargs: Any) -> None:
        # Last year's value is offered, never taken for granted: it is saved by whoever declares.
        value = line.value if line.value is not None else line.last
        initial = {"value": _shown(value, line), "comment": line.comment}
        super().__init__(*args, initial=initial, **kwargs)
        self.fields["value"] = _value_field(line, "Ce qui a été atteint", required=True)
        self.fields["proof"].label = "Ajouter une preuve"
        self.fields["proof"].required = False

        dress(self.fields["value"])
        self.order_fields(["value", "comment", "proof", "no_patient"])


class SpendingForm(PortalForm):
    """What was spent, by nature, and what the CPTS says of its year."""

    drawn_from = None

    def __init__(self, *args: Any, last: dict[str, Decimal], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)

        for nature in Spending.Nature:
            known = last.get(nature.value)
            help_text = ""
            if known is not None:
                help_text = f"L’an dernier{NBSP}: {known:f}".replace(".", ",") + f"{NBSP}€."
            self.fields[nature.value] = NumberField(
                label=f"{nature.label} (en euros)",
                decimals=2,
                required=False,
                help_text=help_text,
            )
            dress(self.fields[nature.value])
        self.fields["comment"] = forms.CharField(
            label="Bilan de l’année",
            help_text="Ce qui a marché, ce qui a manqué, ce qui change. Sans nommer de patient.",
            required=False,
            max_length=LONGEST_TEXT,
            widget=forms.Textarea(attrs={"rows": 5}),
        )
        dress(self.fields["comment"])

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        for nature in Spending.Nature:
            amount = found.get(nature.value)
            if amount is not None and not 0 <= amount <= MOST_SPENT:
                self.add_error(
                    nature.value,
                    f"Le montant va de 0 à {MOST_SPENT:,.0f}{NBSP}€.".replace(",", NBSP),
                )
        return found

    def amounts(self) -> dict[str, Decimal | None]:
        return {nature.value: self.cleaned_data.get(nature.value) for nature in Spending.Nature}


class ReviewLineForm(PortalForm):
    """What a reviewer says of one result."""

    position = forms.ChoiceField(
        label="Votre avis", choices=LineReview.Position, widget=forms.RadioSelect, required=False
    )
    reason = forms.CharField(
        label="Pourquoi",
        help_text="Si vous contestez.",
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, line: DialogueLine, known: LineReview | None, **kwargs: Any):
        initial = {}
        if known is not None:
            initial = {
                "position": known.position,
                "value": _shown(known.value, line),
                "reason": known.reason,
            }
        super().__init__(*args, initial=initial, prefix=f"l{line.pk}", **kwargs)
        self.line = line

        self.fields["value"] = _value_field(line, "Valeur que vous proposez", required=False)
        dress(self.fields["value"])
        _want(self, "position")
        self.order_fields(["position", "value", "reason"])

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        if found.get("position") == "contested" and not found.get("reason"):
            self.add_error("reason", "Écrivez pourquoi vous contestez ce résultat.")
        return found

    def said(self) -> Reviewed | None:
        """None while nothing is chosen."""
        given = self.cleaned_data
        if not given.get("position"):
            return None
        return Reviewed(given["position"], given.get("value"), given.get("reason", ""))


class AnswerLineForm(PortalForm):
    answer = forms.CharField(
        label="Votre réponse",
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, *args: Any, line: DialogueLine, **kwargs: Any) -> None:
        super().__init__(*args, initial={"answer": line.answer}, prefix=f"l{line.pk}", **kwargs)
        _want(self, "answer")
        self.line = line


class AgreedLineForm(PortalForm):
    """What is retained of one line."""

    rate = NumberField(
        label="Autre taux (%)",
        help_text="Seulement si la règle ne s’applique pas.",
        decimals=2,
        required=False,
    )
    reason = forms.CharField(
        label="Raison de ce taux",
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, line: DialogueLine, **kwargs: Any) -> None:
        value = line.agreed_value
        initial = {
            "value": _shown(value, line),
            "rate": None if line.set_rate is None else line.set_rate * 100,
            "reason": line.set_reason,
        }
        super().__init__(*args, initial=initial, prefix=f"l{line.pk}", **kwargs)
        self.line = line

        self.fields["value"] = _value_field(line, "Valeur retenue", required=False)
        dress(self.fields["value"])
        _want(self, "value")
        self.order_fields(["value", "rate", "reason"])

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        rate = found.get("rate")
        if rate is not None and not 0 <= rate <= 100:
            self.add_error("rate", f"Le taux va de 0 à 100{NBSP}%.")
        if rate is not None and not found.get("reason"):
            self.add_error("reason", "Écrivez pourquoi ce taux est retenu.")
        return found

    def agreed(self) -> Agreed:
        given = self.cleaned_data
        rate = given.get("rate")
        return Agreed(
            given.get("value"), None if rate is None else rate / 100, given.get("reason", "")
        )


class SignerForm(PortalForm):
    """Who signs the minutes for a party: a person of the organisation, or the CPTS's president."""

    person = forms.ChoiceField(label="Qui signera le compte rendu")
    name = forms.CharField(label="Nom de la personne qui signera", max_length=150)
    email = forms.EmailField(
        label="Son adresse électronique", help_text="Le lien pour signer y sera envoyé."
    )
    capacity = forms.CharField(label="En qualité de", max_length=200)

    def __init__(
        self, *args: Any, party: str, usual: Signer, people: Iterable[User], **kwargs: Any
    ) -> None:
        initial = {
            "name": usual.name,
            "email": usual.email,
            "capacity": usual.capacity,
            "person": str(usual.user.pk) if usual.user else None,
        }
        super().__init__(*args, initial=initial, **kwargs)
        self._people = {str(one.pk): one for one in people}
        if party == CPTS:
            del self.fields["person"]
        else:
            del self.fields["name"], self.fields["email"]
            choices: Any = self.fields["person"]
            choices.choices = [(key, str(one)) for key, one in self._people.items()]

    def signer(self) -> Signer:
        given = self.cleaned_data
        person = self._people.get(given.get("person", ""))
        if person is not None:
            return Signer(str(person), person.email, given["capacity"], person)
        return Signer(given["name"], given["email"], given["capacity"])


class WhyForm(PortalForm):
    """Why a declaration or a conclusion is given back."""

    reason = forms.CharField(
        label="Motif",
        help_text="Les autres parties le liront.",
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Écrivez pourquoi : les autres parties liront ce motif."},
    )
