from django import forms
from django.core.files.uploadedfile import UploadedFile

from territories import reference
from territories.reference import ReferenceData, ReferenceDataError, Source


class ReferenceFileForm(forms.Form):
    """One archive of reference files; `data_read` holds what it says once the form is valid."""

    archive = forms.FileField(
        label="Archive des fichiers de référence",
        help_text="Un fichier .zip ou .tar.gz produit par la commande build_territories.",
        error_messages={
            "required": "Choisissez l’archive à charger.",
            "empty": "Le fichier choisi est vide. Choisissez l’archive à charger.",
        },
    )

    data_read: ReferenceData | None = None

    def clean_archive(self) -> UploadedFile:
        archive = self.cleaned_data["archive"]
        if archive.size > reference.MAX_ARCHIVE_BYTES:
            raise forms.ValidationError("Le fichier dépasse 20 Mo : ce n’est pas la bonne archive.")
        try:
            self.data_read = reference.read(Source(archive, archive.name))
        except ReferenceDataError as error:
            raise forms.ValidationError([str(problem) for problem in error.problems]) from error
        return archive
