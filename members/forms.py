from typing import Any

from django import forms
from django.utils import timezone

from accounts import rpps
from communities.models import Community
from cpts_portal.forms import DayField, PortalForm, dress
from members import finess
from members.codes import PROFESSIONS, STRUCTURES
from members.importing import find_commune
from members.models import Member


class MemberForm(PortalForm):
    """What both kinds of members have; each kind below puts its own fields around it."""

    kind = ""

    last_name = forms.CharField(label="Nom", max_length=100)
    first_name = forms.CharField(label="Prénom", max_length=100)
    email = forms.EmailField(
        label="Adresse électronique",
        required=False,
        help_text="Les liens pour signer y sont envoyés. Sans adresse, la personne signera sur "
        "papier.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    commune = forms.CharField(
        label="Commune",
        required=False,
        max_length=150,
        help_text="Son nom, son code postal ou son code INSEE.",
    )
    joined_on = DayField("Membre depuis le")

    def __init__(
        self,
        *args: Any,
        community: Community,
        member: Member | None = None,
        doubts: bool = False,
        **kwargs: Any,
    ) -> None:
        self.community, self.member = community, member
        kwargs.setdefault("initial", self._initial(member))
        super().__init__(*args, **kwargs)
        if doubts:
            self.fields["confirmed"] = forms.BooleanField(
                label="Ce n’est pas la même personne ni la même structure : enregistrer quand même",
                required=False,
            )
            self.order_fields(["confirmed"])
            dress(self.fields["confirmed"])

    @staticmethod
    def _initial(member: Member | None) -> dict[str, Any]:
        if member is None:
            return {"joined_on": timezone.localdate()}
        initial: dict[str, Any] = {
            name: getattr(member, name)
            for name in (
                *("last_name", "first_name", "email", "profession", "speciality", "rpps"),
                *("structure_kind", "structure_name", "finess", "function", "joined_on"),
            )
        }
        if member.commune:
            initial["commune"] = f"{member.commune.name} ({member.commune.code})"
        return initial

    def clean_commune(self) -> Any:
        commune, problem = find_commune(self.community, self.cleaned_data["commune"])
        if problem:
            raise forms.ValidationError(problem[:1].upper() + problem[1:])
        return commune

    def clean_joined_on(self) -> Any:
        day = self.cleaned_data["joined_on"]
        if day > timezone.localdate():
            raise forms.ValidationError("Cette date est à venir : corrigez-la.")
        return day

    def values(self) -> dict[str, Any]:
        """What to save, once the form is valid."""
        known = {name: value for name, value in self.cleaned_data.items() if name != "confirmed"}
        return {**known, "kind": self.kind}


def _checked(number: str, problem: Any) -> str:
    number = rpps.bare(number).upper()
    if number and (sentence := problem(number)):
        raise forms.ValidationError(sentence)
    return number


class ProfessionalForm(MemberForm):
    kind = Member.Kind.PROFESSIONAL

    profession = forms.ChoiceField(
        label="Profession",
        choices=[("", "Choisissez une profession"), *PROFESSIONS.items()],
        error_messages={"required": "Choisissez la profession dans la liste."},
    )
    speciality = forms.CharField(
        label="Spécialité ou précision",
        required=False,
        max_length=100,
        help_text="Par exemple : médecine générale, pédiatrie, pratique avancée.",
    )
    rpps = forms.CharField(
        label="Numéro RPPS",
        required=False,
        max_length=20,
        help_text="11 chiffres.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    field_order = (
        *("last_name", "first_name", "profession", "speciality", "rpps", "email", "commune"),
        "joined_on",
    )

    def clean_rpps(self) -> str:
        return _checked(self.cleaned_data["rpps"], rpps.problem)


class StructureForm(MemberForm):
    kind = Member.Kind.STRUCTURE

    structure_name = forms.CharField(label="Nom de la structure", max_length=200)
    structure_kind = forms.ChoiceField(
        label="Nature de la structure",
        choices=[("", "Choisissez une nature"), *STRUCTURES.items()],
        error_messages={"required": "Choisissez la nature dans la liste."},
    )
    finess = forms.CharField(
        label="Numéro FINESS",
        required=False,
        max_length=20,
        help_text="9 chiffres.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    function = forms.CharField(
        label="Fonction du représentant légal",
        max_length=100,
        required=False,
        help_text="Par exemple : directrice, maire, président.",
    )

    field_order = (
        *("structure_name", "structure_kind", "finess", "last_name", "first_name", "function"),
        *("email", "commune", "joined_on"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["last_name"].label = "Nom du représentant légal"
        self.fields["first_name"].label = "Prénom du représentant légal"
        self.fields["email"].label = "Adresse électronique du représentant légal"

    def clean_finess(self) -> str:
        return _checked(self.cleaned_data["finess"], finess.problem)


FORMS: dict[str, type[MemberForm]] = {
    Member.Kind.PROFESSIONAL.value: ProfessionalForm,
    Member.Kind.STRUCTURE.value: StructureForm,
}


class DepartureForm(PortalForm):
    on = DayField("Date du départ")
    reason = forms.CharField(label="Motif", required=False, max_length=300)


class ImportForm(PortalForm):
    drawn_from = ()

    file = forms.FileField(
        label="Fichier à importer",
        help_text="Un classeur Excel (.xlsx) ou un CSV, 5 Mo au plus.",
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv,.txt"}),
        error_messages={
            "required": "Aucun fichier n’a été choisi : choisissez-en un sur votre ordinateur.",
            "empty": "Ce fichier est vide : choisissez-en un autre.",
        },
    )
