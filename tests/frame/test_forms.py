from datetime import date, time

import pytest
from django import forms
from django.core.paginator import Paginator
from django.forms.renderers import TemplatesSetting
from django.template.loader import render_to_string
from django.test import RequestFactory
from pytest_django.asserts import assertHTMLEqual

from cpts_portal.forms import DayField, HourField, PortalForm, PortalRenderer


class Sample(PortalForm):
    name = forms.CharField(label="Intitulé", help_text="Le nom d’usage.", max_length=10)
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea)
    agreed = forms.BooleanField(label="Je m’engage")
    size = forms.ChoiceField(
        label="Taille", choices=[("1", "Une"), ("2", "Deux")], widget=forms.RadioSelect
    )
    file = forms.FileField(label="Carte", required=False)


def test_hint_and_error_are_both_tied_to_the_control():
    form = Sample({"name": "trop long pour dix"})
    html = str(form["name"].as_field_group())
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'aria-invalid="true"' in html
    assert 'id="id_name_helptext"' in html
    assert 'id="id_name_error"' in html
    assert '<label class="fr-label" for="id_name">Intitulé</label>' in html
    assert 'class="fr-input"' in html


def test_optional_fields_are_marked_in_words():
    form = Sample()
    assert "(facultatif)" in form["note"].as_field_group()
    assert "(facultatif)" not in form["name"].as_field_group()


def test_radio_buttons_are_one_question_with_a_legend():
    html = Sample({})["size"].as_field_group()
    assert html.startswith('<fieldset class="fr-fieldset fr-fieldset--error" id="id_size"')
    assert 'aria-describedby="id_size_error"' in html
    assert '<label class="fr-label" for="id_size_0">Une</label>' in html


def test_refused_form_opens_with_links_to_its_fields():
    form = Sample({"name": "x" * 11, "size": "3"})
    assert [(anchor, label) for anchor, label, _message in form.error_links()] == [
        ("id_name", "Intitulé"),
        ("id_agreed", "Je m’engage"),
        ("id_size", "Taille"),
    ]
    html = str(form)
    assert html.index("data-error-summary") < html.index("id_name")
    assert 'href="#id_agreed"' in html


def test_valid_or_untouched_form_has_no_summary():
    assert "data-error-summary" not in str(Sample())
    assert "data-error-summary" not in str(Sample({"name": "a", "agreed": "on", "size": "1"}))


def test_what_was_typed_is_escaped_and_given_back():
    html = str(Sample({"name": '<b>"x"</b>'}))
    assert "<b>" not in html
    assert "&lt;b&gt;&quot;x&quot;&lt;/b&gt;" in html


def test_pagination_keeps_filters_and_sort_in_the_address():
    request = RequestFactory().get("/dossiers/?etat=depose&tri=date&page=2")
    page = Paginator(range(90), 10).get_page(2)
    html = render_to_string("components/pagination.html", {"page": page}, request)
    assert 'href="?etat=depose&amp;tri=date&amp;page=3"' in html
    assert 'aria-current="page">2</a>' in html
    assert "…" in html


def test_one_page_needs_no_pagination():
    page = Paginator(range(3), 10).get_page(1)
    assert render_to_string("components/pagination.html", {"page": page}).strip() == ""


@pytest.mark.parametrize(
    "widget",
    [
        forms.TextInput({"maxlength": 2000, "required": True, "disabled": False}),
        forms.EmailInput(),
        forms.NumberInput(),
        forms.PasswordInput(render_value=True),
        forms.HiddenInput(),
        forms.DateInput(),
        forms.Textarea({"rows": 12, "data-mark": '"&'}),
    ],
)
@pytest.mark.parametrize("value", [None, "", "0", 1234, "é \"<b>\" & 'c'", "deux\nlignes"])
def test_plain_controls_are_what_django_draws(widget, value):
    ours, theirs = (
        widget.render("nom", value, {"id": "id_nom"}, renderer())
        for renderer in (PortalRenderer, TemplatesSetting)
    )
    assertHTMLEqual(ours, theirs)


UNREADABLE = (
    "Cette date ne peut pas être lue\u00a0: elle n’existe pas, ou elle est écrite autrement. "
    "Écrivez le jour, le mois et l’année, comme 15/03/2027."
)
UNREADABLE_HOUR = (
    "Cette heure ne peut pas être lue\u00a0: écrivez les heures et les minutes, comme 18:30."
)


class Planned(PortalForm):
    day = DayField("Date")
    paid_on = DayField("Date du paiement", missing="Écrivez la date du paiement.")
    seen_on = DayField("Vue le", required=False)
    starts = HourField("Début", "18:30")


def test_a_day_and_an_hour_are_read_as_the_browser_or_a_hand_writes_them():
    typed = {"day": "2027-03-01", "paid_on": "15/03/2027", "seen_on": "", "starts": "18:05"}
    form = Planned(typed)
    assert form.is_valid()
    assert form.cleaned_data == {
        "day": date(2027, 3, 1),
        "paid_on": date(2027, 3, 15),
        "seen_on": None,
        "starts": time(18, 5),
    }
    shown = str(Planned(initial={"day": date(2027, 3, 1)})["day"])
    assert 'type="date" value="2027-03-01"' in shown


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            {},
            [
                "La date manque, et elle est nécessaire\u00a0: écrivez-la, comme 15/03/2027.",
                "Écrivez la date du paiement.",
                "L’heure manque, et elle est nécessaire\u00a0: écrivez-la, comme 18:30.",
            ],
        ),
        (
            {"day": "31/02/2027", "paid_on": "demain", "seen_on": "3 mars", "starts": "25:00"},
            [UNREADABLE, UNREADABLE, UNREADABLE, UNREADABLE_HOUR],
        ),
    ],
)
def test_a_day_that_is_missing_or_unreadable_is_said_with_what_to_write(typed, said):
    assert [message for _anchor, _label, message in Planned(typed).error_links()] == said
