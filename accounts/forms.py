"""The forms of people's accounts, allauth's in our words and ours."""

from typing import Any, cast

from allauth.account import forms as allauth_forms
from django import forms

from accounts import rpps, rules
from accounts.models import Membership, Organisation, User
from cpts_portal.forms import PortalForm, PortalFormMixin, PortalModelForm
from territories.models import Department

CHOOSING_HINT = (
    "12 caractères au moins. Le plus simple : quatre ou cinq mots sans rapport entre eux. "
    "Ni votre nom, ni votre adresse, ni un mot de passe très courant."
)


class _EntranceMixin(PortalFormMixin):
    """allauth's forms in our look: labels and hints of ours, no placeholder."""

    words: dict[str, tuple[str, str]] = {
        "login": ("Adresse électronique", ""),
        "email": ("Adresse électronique", ""),
        "password": ("Mot de passe", ""),
        "password1": ("Mot de passe", CHOOSING_HINT),
        "password2": ("Le même mot de passe, une seconde fois", ""),
        "oldpassword": ("Mot de passe actuel", ""),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            if name in self.words:
                field.label, field.help_text = self.words[name]


class LoginForm(_EntranceMixin, allauth_forms.LoginForm):
    pass


class SignupForm(_EntranceMixin, allauth_forms.SignupForm):
    # allauth's adapter stores both names: it knows them by these names.
    first_name = forms.CharField(
        label="Prénom",
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    last_name = forms.CharField(
        label="Nom",
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
    field_order = ["first_name", "last_name", "email", "password1", "password2"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[
            "email"
        ].help_text = (
            "Par exemple : prenom.nom@exemple.fr. Nous y enverrons un lien pour la vérifier."
        )


class ResetPasswordForm(_EntranceMixin, allauth_forms.ResetPasswordForm):
    pass


class ResetPasswordKeyForm(_EntranceMixin, allauth_forms.ResetPasswordKeyForm):
    words = _EntranceMixin.words | {"password1": ("Nouveau mot de passe", CHOOSING_HINT)}


class ChangePasswordForm(_EntranceMixin, allauth_forms.ChangePasswordForm):
    words = ResetPasswordKeyForm.words


class SetPasswordForm(_EntranceMixin, allauth_forms.SetPasswordForm):
    words = ResetPasswordKeyForm.words


class AddEmailForm(_EntranceMixin, allauth_forms.AddEmailForm):
    words = {
        "email": (
            "Nouvelle adresse électronique",
            "Nous y enverrons un lien ; l’adresse actuelle reste valable jusque-là.",
        )
    }


class ReauthenticateForm(_EntranceMixin, allauth_forms.ReauthenticateForm):
    pass


class ProfileForm(PortalModelForm):
    """Who the person is, as teams and desks see them."""

    rpps = forms.CharField(
        label="Numéro RPPS",
        required=False,
        max_length=30,
        help_text="11 chiffres. Personne d’autre ne le lit : le portail s’en sert pour vous "
        "prévenir d’un conflit d’intérêts avant un avis. Exemple : 10101010105.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    class Meta:
        model = User
        fields = ["first_name", "last_name", "profession", "rpps"]
        widgets = {
            "first_name": forms.TextInput(attrs={"autocomplete": "given-name"}),
            "last_name": forms.TextInput(attrs={"autocomplete": "family-name"}),
            "profession": forms.TextInput(attrs={"autocomplete": "organization-title"}),
        }
        labels = {"first_name": "Prénom", "last_name": "Nom", "profession": "Profession"}
        help_texts = {"profession": "Par exemple : médecin généraliste, sage-femme, coordinatrice."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["first_name"].required = True
        self.fields["last_name"].required = True

    def clean_rpps(self) -> str:
        number = rpps.bare(self.cleaned_data["rpps"])
        if number and (wrong := rpps.problem(number)):
            raise forms.ValidationError(wrong)
        return number


class RoleInvitationForm(PortalForm):
    """Whom to invite, to which role of one organisation, for which département."""

    email = forms.EmailField(
        label="Adresse électronique",
        help_text="L’invitation n’est valable que pour cette adresse.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(label="Rôle")
    department = forms.ModelChoiceField(
        Department.objects.none(),
        label="Limiter à un département",
        required=False,
        empty_label="Aucune limite",
        help_text="Cette personne ne verra que les dossiers de ce département.",
    )

    def __init__(self, *args: Any, organisation: Organisation, giver: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = dict(Membership.Role.choices)
        role = cast("forms.ChoiceField", self.fields["role"])
        role.choices = [(key, labels[key].capitalize()) for key in rules.ROLES[organisation.kind]]
        department = cast("forms.ModelChoiceField[Department]", self.fields["department"])
        limit = giver.acting.department_id if giver.acting else None
        if organisation.department_id:
            del self.fields["department"]
        elif limit:
            department.queryset = Department.objects.filter(pk=limit)
            department.required = True
            department.empty_label = None
        else:
            department.queryset = Department.objects.filter(region=organisation.region_id)


class SecondFactorForm(PortalForm):
    """A code of the application."""

    code = forms.CharField(
        label="Code affiché par l’application",
        max_length=20,
        help_text="Six chiffres, qui changent toutes les trente secondes.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
        error_messages={"required": "Écrivez les six chiffres affichés par l’application."},
    )


class SecondFactorCheckForm(SecondFactorForm):
    """A code of the application, or one of the recovery codes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = "Code de l’application, ou code de secours"
