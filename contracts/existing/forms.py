"""What the person who takes over existing contracts gives: files."""

from typing import Any, Final

from django import forms

from contracts.forms import ImportForm

_TABLE: Final = forms.FileInput(attrs={"accept": ".xlsx,.csv,.txt"})


class ExistingForm(ImportForm):
    """The list of the CPTS, and the list of their communes where it stands apart."""

    territories = forms.FileField(
        label="Fichier des territoires (facultatif)",
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
