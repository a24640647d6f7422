from typing import Any

from django import forms

from cpts_portal.forms import PortalForm
from health_projects.coherence import Finding, Row
from health_projects.models import CoherenceNote


class FindingForm(PortalForm):
    """What one side says of one plan. Nothing chosen and nothing written: no note."""

    finding = forms.ChoiceField(
        label="Constat",
        required=False,
        choices=CoherenceNote.Finding.choices,
        widget=forms.RadioSelect,
    )
    comment = forms.CharField(
        label="Commentaire",
        required=False,
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={
            "max_length": "Ce commentaire dépasse 2000 caractères : résumez-le, et joignez le "
            "détail."
        },
    )
    reference = forms.CharField(
        label="Document de référence",
        required=False,
        max_length=300,
        help_text="Par exemple : projet médical partagé 2023–2027, page 12.",
    )
    revision = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("finding") == CoherenceNote.Finding.TO_DISCUSS and not given.get("comment"):
            self.add_error("comment", "Dites ce qui est à discuter.")
        if not given.get("finding") and (given.get("comment") or given.get("reference")):
            self.add_error("finding", "Choisissez un constat pour ce que vous avez écrit.")
        return given


def finding_form(row: Row, side: str, data: Any = None) -> FindingForm:
    """The form of one plan, for the side that writes."""
    note = row.of(side)
    names = ("finding", "comment", "reference", "revision")
    initial = {name: getattr(note, name) for name in names} if note else {"revision": 0}
    form = FindingForm(data, prefix=row.framework.key, initial=initial)
    for name in ("finding", "comment", "reference"):
        vars(form.fields[name])["is_wanted"] = name == "finding"
    return form


def finding_of(row: Row, form: FindingForm) -> Finding:
    """What a valid form says."""
    given = form.cleaned_data
    return Finding(
        framework=row.framework.key,
        finding=given["finding"],
        comment=given["comment"].strip(),
        reference=given["reference"].strip(),
        revision=given["revision"] or 0,
    )
