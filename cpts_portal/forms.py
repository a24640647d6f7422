"""How every form of the portal is drawn: label, hint and error tied to the control."""

from collections.abc import Hashable
from typing import Any, Final

from django import forms
from django.core.validators import EmailValidator
from django.forms.renderers import TemplatesSetting
from django.forms.utils import flatatt
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from cpts_portal.memo import Memo
from cpts_portal.words import NBSP

_INPUTS = frozenset(
    f"django/forms/widgets/{kind}.html"
    for kind in ("text", "email", "number", "password", "hidden", "date", "url", "input")
)
_INPUT = "django/forms/widgets/input.html"
_OPTIONS = frozenset(
    f"django/forms/widgets/{kind}.html" for kind in ("checkbox", "checkbox_option", "radio_option")
)


class PortalRenderer(TemplatesSetting):
    """Draws forms with `templates/components/form*.html`."""

    form_template_name = "components/form.html"
    field_template_name = "components/form_field.html"

    def render(
        self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None
    ) -> SafeString:
        """Draw the plainest controls without a template: a page of a letter has a hundred."""
        if template_name in _INPUTS:
            widget = context["widget"]
            value = {} if widget["value"] is None else {"value": str(widget["value"])}
            attrs = {"type": widget["type"], "name": widget["name"], **value, **widget["attrs"]}
            return format_html("<input{}>", flatatt(attrs))
        if template_name in _OPTIONS and not context["widget"].get("wrap_label"):
            return self.render(_INPUT, context)
        if template_name == "django/forms/widgets/select.html":
            return _select(context["widget"])
        if template_name == "django/forms/widgets/textarea.html":
            widget = context["widget"]
            return format_html(
                "<textarea{}>\n{}</textarea>",
                flatatt({"name": widget["name"], **widget["attrs"]}),
                widget["value"] or "",
            )
        return mark_safe(super().render(template_name, context, request))  # noqa: S308 - a template has escaped it


def _select(widget: dict[str, Any]) -> SafeString:
    """A list of choices: a template draws each of its options with two others."""
    groups = []
    for name, choices, _index in widget["optgroups"]:
        options = format_html_join(
            "\n",
            '<option value="{}"{}>{}</option>',
            (
                (
                    "" if choice["value"] is None else str(choice["value"]),
                    flatatt(choice["attrs"]),
                    choice["label"],
                )
                for choice in choices
            ),
        )
        groups.append(
            format_html('<optgroup label="{}">\n{}</optgroup>', name, options) if name else options
        )
    inside = format_html_join("\n", "{}", ((group,) for group in groups))
    attrs = flatatt({"name": widget["name"], **widget["attrs"]})
    return format_html("<select{}>\n{}\n</select>", attrs, inside)


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


# Forms nobody has filled in, each drawn once.
_drawn = Memo[SafeString](limit=1_000_000, weigh=len)


class PortalFormMixin:
    """Put before a Django form class: `{{ form }}` or `{{ form.name.as_field_group }}` is ready.

    Fields are taken as required unless marked « facultatif ». `note` is a sentence shown
    before the first field.
    """

    default_renderer: Any = PortalRenderer
    note = ""
    # What a form nobody has filled in is drawn from, beside its class and its initial values: its
    # choices, say, when they are read; `()` for nothing else. It is drawn once for each. None: at
    # each time.
    drawn_from: Hashable = None
    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            dress(field)

    def render(
        self,
        template_name: str | None = None,
        context: dict[str, Any] | None = None,
        renderer: Any = None,
    ) -> SafeString:
        """The form as HTML: what `{{ form }}` is in a template."""
        form: Any = self
        draw: Any = super()
        if template_name or context or renderer or form.is_bound or self.drawn_from is None:
            return draw.render(template_name, context, renderer)
        key: tuple[Any, ...] = (type(self), self.drawn_from, *form.initial.items())
        return _drawn.get(key, draw.render)

    __str__ = render
    __html__ = render

    def without_summary(self) -> SafeString:
        """The form's fields alone, for a page that sums up what it refused at its top."""
        form: Any = self
        if not form.is_bound:
            return self.render()
        return self.render("components/form.html", {**form.get_context(), "summed_up": True})

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
    messages = field.error_messages
    if messages.get("required") == forms.Field.default_error_messages["required"]:
        messages["required"] = "Cette réponse manque, et elle est nécessaire : complétez-la."
    if (
        isinstance(field, forms.EmailField)
        and messages.get("invalid", EmailValidator.message) == EmailValidator.message
    ):
        messages["invalid"] = (
            "Ce n’est pas une adresse électronique : vérifiez-la, elle doit ressembler à "
            "prenom.nom@exemple.fr."
        )
    # Read by the field's template.
    vars(field)["group_class"] = group
    if template and not getattr(field, "template_name", None):
        vars(field)["template_name"] = template


_NO_DAY: Final = f"La date manque, et elle est nécessaire{NBSP}: écrivez-la, comme 15/03/2027."
_UNREADABLE_DAY: Final = (
    f"Cette date ne peut pas être lue{NBSP}: elle n’existe pas, ou elle est écrite autrement. "
    "Écrivez le jour, le mois et l’année, comme 15/03/2027."
)


class DayField(forms.DateField):  # noqa: TID251 - here it says so
    """A day, chosen in the browser's calendar or typed; kept as a date.

    `missing` is what is said when it is needed and empty. Which days are allowed is a rule of the
    service that takes it.
    """

    def __init__(self, label: str, *, missing: str = "", **options: Any) -> None:
        options.setdefault("widget", forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
        messages = {"required": missing or _NO_DAY, "invalid": _UNREADABLE_DAY}
        super().__init__(label=label, error_messages=messages, **options)


class HourField(forms.TimeField):  # noqa: TID251 - here it says so
    """A time of day, hours and minutes. `example`: one that is likely there, « 18:30 »."""

    def __init__(self, label: str, example: str) -> None:
        messages = {
            "required": f"L’heure manque, et elle est nécessaire{NBSP}: "
            f"écrivez-la, comme {example}.",
            "invalid": f"Cette heure ne peut pas être lue{NBSP}: "
            f"écrivez les heures et les minutes, comme {example}.",
        }
        widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
        super().__init__(label=label, widget=widget, error_messages=messages)


class PortalForm(PortalFormMixin, forms.Form):
    """A form in the portal's look."""


class PortalModelForm(PortalFormMixin, forms.ModelForm):
    """A model's form in the portal's look."""
