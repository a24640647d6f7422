"""What it takes to open a letter."""

from collections.abc import Collection
from typing import Any, Final

from django import forms

from accounts.models import User
from communities.models import Community
from cpts_portal.composed import Composed
from cpts_portal.forms import PortalForm
from procedures import registry
from territories.models import Region


class CreateLetterForm(PortalForm):
    """The name of the CPTS and its region: all it takes to begin."""

    name = forms.CharField(
        label="Intitulé de la CPTS",
        max_length=200,
        help_text="Le nom que vous voulez voir sur les courriers. Il pourra changer : "
        "un nom de lieu que tout le monde reconnaît suffit.",
        error_messages={
            "required": "Donnez un nom à votre CPTS, même provisoire.",
            "max_length": "L’intitulé dépasse 200 caractères : raccourcissez-le.",
        },
    )
    region = forms.ChoiceField(
        label="Région",
        help_text="La région où vivent la plupart des habitants du territoire. "
        "Elle décide du formulaire et du destinataire de la lettre.",
        error_messages={
            "required": "Choisissez la région de votre CPTS.",
            "invalid_choice": "Choisissez une région dans la liste.",
        },
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        own = {procedure.region_code for procedure in registry.in_force()}
        choices = [(code, _region_label(own, code, name)) for code, name in _REGIONS.rows()]
        regions: Any = self.fields["region"]
        regions.choices = [("", "Choisissez une région"), *choices]
        self.drawn_from = tuple(choices)

    def clean_region(self) -> Region:
        """The region chosen: the list holds those that have an agency, and no other."""
        return Region.objects.get(pk=self.cleaned_data["region"])

    def clean(self) -> dict[str, Any]:
        """A second press on the button must not open a second letter."""
        data = super().clean() or {}
        name, region = data.get("name"), data.get("region")
        mine = Community.objects.visible_to(self.user)
        if name and region and mine.filter(name__iexact=name, region=region).exists():
            self.add_error(
                "name",
                "Vous avez déjà une CPTS de ce nom dans cette région. "
                "Ouvrez-la depuis « Mes projets », ou donnez un autre nom à celle-ci.",
            )
        return data


# A list of choices made from models would open a cursor on the server to read eighteen lines.
_REGIONS: Final = Composed(
    lambda: (
        Region.objects.filter(has_ars=True).order_by("name__unaccent").values_list("code", "name")
    )
)


def _region_label(own: Collection[str], code: str, name: str) -> str:
    """`own` are the regions that have a form of their own today."""
    kind = "propre à la région" if code in own else "national"
    return f"{name} – formulaire {kind}"
