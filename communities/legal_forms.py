from typing import Any

from django import forms
from django.utils import timezone

from communities.models import LegalEntity
from communities.numbers import bare, rna_problem, siret_problem
from cpts_portal.forms import DayField, PortalForm


class LegalEntityForm(PortalForm):
    """The association that carries the CPTS. Dates are days, both included."""

    name = forms.CharField(
        label="Nom de l’association",
        max_length=200,
        help_text="Comme dans ses statuts.",
        error_messages={"required": "Écrivez le nom de l’association."},
    )
    form = forms.ChoiceField(
        label="Forme",
        choices=LegalEntity.Form.choices,
        initial=LegalEntity.Form.ASSOCIATION,
        widget=forms.RadioSelect,
    )
    rna = forms.CharField(
        label="Numéro RNA",
        required=False,
        max_length=20,
        help_text="W suivi de neuf chiffres, sur le récépissé de la préfecture.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    siret = forms.CharField(
        label="Numéro SIRET",
        required=False,
        max_length=30,
        help_text="14 chiffres, sur l’avis de situation de l’INSEE.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )
    pending_reason = forms.CharField(
        label="Si un numéro manque encore, pourquoi",
        required=False,
        max_length=300,
        help_text="Par exemple : déclaration déposée le 3 mars, récépissé attendu.",
    )
    address = forms.CharField(
        label="Adresse du siège",
        max_length=200,
        error_messages={"required": "Écrivez l’adresse du siège : numéro et voie."},
    )
    postal_code = forms.RegexField(
        r"^\s*[0-9]{5}\s*$",
        label="Code postal",
        max_length=10,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={
            "required": "Écrivez le code postal du siège.",
            "invalid": "Un code postal compte 5 chiffres : vérifiez-le.",
        },
    )
    city = forms.CharField(
        label="Commune",
        max_length=100,
        error_messages={"required": "Écrivez la commune du siège."},
    )
    valid_from = DayField(
        "Porte la CPTS à partir du", help_text="Le jour de sa création, ou celui du changement."
    )
    valid_to = DayField(
        "Jusqu’au",
        required=False,
        help_text="Laissez vide tant qu’elle porte la CPTS.",
    )
    statutes = forms.FileField(
        label="Statuts signés",
        required=False,
        help_text="Un PDF de 10 Mo au plus. Un nouveau fichier remplace le précédent.",
        widget=forms.FileInput(attrs={"accept": ".pdf"}),
        error_messages={"empty": "Ce fichier est vide : choisissez-en un autre."},
    )
    revision = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(
        self, *args: Any, entity: LegalEntity | None = None, with_end: bool = False, **kwargs: Any
    ) -> None:
        kwargs.setdefault("initial", _initial(entity))
        super().__init__(*args, **kwargs)
        if not with_end:
            del self.fields["valid_to"]

    def clean_rna(self) -> str:
        return _checked(self.cleaned_data["rna"], rna_problem)

    def clean_siret(self) -> str:
        return _checked(self.cleaned_data["siret"], siret_problem)

    def clean_postal_code(self) -> str:
        return str(self.cleaned_data["postal_code"]).strip()

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("form") == LegalEntity.Form.LOCAL_ASSOCIATION:
            if given.get("rna"):
                self.add_error(
                    "rna",
                    "Une association de droit local est inscrite au tribunal et n’a pas de numéro "
                    "RNA : videz cette case, ou changez la forme.",
                )
            if (given.get("postal_code") or "57")[:2] not in {"57", "67", "68"}:
                self.add_error(
                    "form",
                    "Une association de droit local a son siège en Moselle, dans le Bas-Rhin ou "
                    "dans le Haut-Rhin : vérifiez la forme ou le code postal.",
                )
        return given

    def values(self) -> dict[str, Any]:
        """What to save, once the form is valid."""
        left_out = {"revision", "statutes"}
        return {name: value for name, value in self.cleaned_data.items() if name not in left_out}


def _checked(number: str, problem: Any) -> str:
    number = bare(number)
    if number and (sentence := problem(number)):
        raise forms.ValidationError(sentence)
    return number


def _initial(entity: LegalEntity | None) -> dict[str, Any]:
    if entity is None:
        return {"valid_from": timezone.localdate(), "form": LegalEntity.Form.ASSOCIATION}
    names = (
        *("form", "name", "rna", "pending_reason", "address", "postal_code", "city"),
        *("valid_from", "valid_to", "revision"),
    )
    return {name: getattr(entity, name) for name in names} | {"siret": entity.siret_as_written}


class ClosingForm(PortalForm):
    on = DayField("Dernier jour")
