from typing import Any, cast

from django import forms

from communities.models import Community, TeamMember
from communities.services import GIVEN_ROLES
from cpts_portal.forms import PortalForm

_GIVEN = [
    (TeamMember.Role.EDITOR.value, "Rédacteur : lit et complète les dossiers"),
    (TeamMember.Role.READER.value, "Lecteur : lit les dossiers sans les modifier"),
]


class InvitationForm(PortalForm):
    drawn_from = ()

    email = forms.EmailField(
        label="Adresse électronique",
        help_text="Par exemple : prenom.nom@exemple.fr. L’invitation ne vaut que pour elle.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(
        label="Ce que cette personne pourra faire",
        choices=_GIVEN,
        initial=TeamMember.Role.EDITOR,
        widget=forms.RadioSelect,
    )


class RoleForm(PortalForm):
    role = forms.ChoiceField(
        label="Rôle", choices=[(role.value, role.label) for role in GIVEN_ROLES]
    )


class OwnershipForm(PortalForm):
    """To which member the ownership is offered."""

    member = forms.ModelChoiceField(
        TeamMember.objects.none(),
        label="Personne à qui la proposer",
        empty_label="Choisissez une personne",
    )

    def __init__(self, *args: Any, community: Community, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast("forms.ModelChoiceField[TeamMember]", self.fields["member"])
        field.queryset = community.team_members.exclude(role=TeamMember.Role.OWNER).select_related(
            "user"
        )
