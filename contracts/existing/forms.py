"""What the person who takes over existing contracts gives: files."""

from typing import Any, Final

from django import forms

from contracts.existing.scans import ACCEPT_LABEL, MOST_FILES
from contracts.funding.forms import ImportForm
from cpts_portal.forms import PortalForm

_TABLE: Final = forms.FileInput(attrs={"accept": ".xlsx,.csv,.txt"})


class ExistingForm(ImportForm):
    """The list of the CPTS, and the list of their communes where it stands apart."""

    territories = forms.FileField(
        label="Fichier des territoires",
        help_text=(
            "Deux colonnes, « CPTS » et « Code INSEE », une ligne par commune : pour une liste "
            "qui ne donne pas les communes. 5 Mo au plus."
        ),
        required=False,
        widget=_TABLE,
        error_messages={"empty": "Ce fichier est vide : choisissez-en un autre."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].label = "Liste des CPTS"


class _ManyFiles(forms.FileInput):
    allow_multiple_selected = True


class ScansForm(PortalForm):
    """Scanned contracts. The files are read from the request: there may be several."""

    scans = forms.FileField(
        label="Contrats numérisés",
        help_text=(
            f"Des fichiers {ACCEPT_LABEL}, ou une archive .zip qui en contient : 10 Mo au plus "
            f"chacun, {MOST_FILES} à la fois."
        ),
        widget=_ManyFiles(attrs={"multiple": True, "accept": ".pdf,.jpg,.jpeg,.png,.zip"}),
        error_messages={
            "required": "Aucun fichier n’a été choisi : choisissez-en un ou plusieurs.",
            "empty": "Ce fichier est vide : choisissez-en un autre.",
        },
    )
