"""How every form of the portal is drawn: label, hint and error tied to the control."""

from typing import Any

from django import forms
from django.forms.renderers import TemplatesSetting


class PortalRenderer(TemplatesSetting):
    """Draws forms with `templates/components/form*.html`."""

    form_template_name = "components/form.html"
    field_template_name = "components/form_field.html"


_CHOICES = "components/form_field_choices.html"
# Widget class → (its CSS class, the CSS class of its group, its template or None).
# The first one that fits is taken, so children come before their parents.
_DRESS: tuple[tuple[type[forms.Widget], str, str, str | None], ...] = (
    (forms.CheckboxSelectMultiple, "", "fr-checkbox-group", _CHOICES),
    (forms.RadioSelect, "", "fr-radio-group", _CHOICES),
    (forms.CheckboxInput, "", "fr-checkbox-group", "components/form_field_checkbox.html"),
    (forms.FileInput, "fr-upload", "fr-upload-group", None),
    (forms.Select, "fr-select", "fr-select-group", None),
    (forms.Widget, "fr-input", "fr-input-group", None),
)


class PortalFormMixin:
    """Put before a Django form class: `{{ form }}` or `{{ form.name.as_field_group }}` is ready.

    Fields are taken as required unless marked « facultatif ». `note` is a sentence shown
    before the first field.
    """

    default_renderer: Any = PortalRenderer
    note = ""
    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            dress(field)

    def error_links(self) -> list[tuple[str, str, str]]:
        """What was refused: (id of the control or "", label or "", message), in order."""
        form: Any = self
        links = [("", "", message) for message in form.non_field_errors()]
        for name, messages in form.errors.items():
            if name in form.fields:
                bound = form[name]
                anchor = bound.id_for_label or bound.auto_id
                links += [(anchor, bound.label, message) for message in messages]
        return links


def dress(field: forms.Field) -> None:
    """Give a field the classes and the template its control calls for."""
    css, group, template = next(
        dress for widget, *dress in _DRESS if isinstance(field.widget, widget)
    )
    known = field.widget.attrs.get("class", "")
    if css and css not in known.split():
        field.widget.attrs["class"] = f"{known} {css}".strip()
    # Read by the field's template.
    vars(field)["group_class"] = group
    if template and not getattr(field, "template_name", None):
        vars(field)["template_name"] = template


class PortalForm(PortalFormMixin, forms.Form):
    """A form in the portal's look."""


class PortalModelForm(PortalFormMixin, forms.ModelForm):
    """A model's form in the portal's look."""
