import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template

from cpts_portal.mails import queue_template_mail, render_mail
from devstack.paths import PROJECT
from outbox.models import Mail

# An address of the portal, as templates write it.
# The link to be written to no more is not one to act.
_LINK = re.compile(r"{{ *(?!leave_url)(?:\w+_)?url *}}(?:{% url [^%]*%})?|https?://")
_BUTTON = re.compile(r"(?:\n|%})\n[^\n]+\n{{ *(?:\w+_)?url *}}")
_SUBJECT = re.compile(r"{% block subject %}(.*?){% endblock %}", re.DOTALL)

CONTEXT = {
    "inviter": "Anne <b>Roux</b>",
    "community": "CPTS d’Aubrac & Cie",
    "role": "lecteur",
    "may_write": False,
    "url": "http://testserver/invitations/equipe/secret/",
}


def test_both_versions_say_the_same_and_the_link_is_a_button():
    mail = render_mail("communities/team_invitation", CONTEXT)
    assert mail.subject == "Invitation à rejoindre l’équipe de « CPTS d’Aubrac & Cie »"
    assert mail.text.startswith("Bonjour,\n\nAnne <b>Roux</b> vous invite")
    assert "Répondre à l’invitation\nhttp://testserver/invitations/equipe/secret/\n" in mail.text
    assert "Agence régionale de santé (démonstration)" in mail.text
    assert "Anne &lt;b&gt;Roux&lt;/b&gt; vous invite" in mail.html
    assert mail.html.count('href="http://testserver/invitations/equipe/secret/"') == 1
    assert "<script" not in mail.html


def test_lists_and_addresses_in_a_text_become_html(settings, tmp_path):
    (tmp_path / "email").mkdir()
    (tmp_path / "email" / "essai.txt").write_text(
        "Objet : Essai\n\n- un\n- deux & trois\n\nVoir http://testserver/a?b=1 ici."
    )
    settings.TEMPLATES = [
        {**settings.TEMPLATES[0], "DIRS": [tmp_path, *settings.TEMPLATES[0]["DIRS"]]}
    ]
    html = render_mail("essai", {}).html
    assert "<li>un</li><li>deux &amp; trois</li>" in html
    assert '<a href="http://testserver/a?b=1">http://testserver/a?b=1</a> ici.' in html


def test_mail_without_a_subject_is_a_mistake_of_ours(settings, tmp_path):
    (tmp_path / "email").mkdir()
    (tmp_path / "email" / "muet.txt").write_text("Bonjour")
    settings.TEMPLATES = [
        {**settings.TEMPLATES[0], "DIRS": [tmp_path, *settings.TEMPLATES[0]["DIRS"]]}
    ]
    with pytest.raises(ValueError, match="Objet"):
        render_mail("muet", {})


@pytest.mark.django_db
def test_same_cause_is_mailed_once_to_the_same_person():
    for _ in range(2):
        queue_template_mail(
            key="cause",
            recipient="noe@exemple.test",
            template="communities/team_invitation",
            context=CONTEXT,
        )
    assert Mail.objects.count() == 1


def templates() -> dict[str, str]:
    """Every mail with its source."""
    folder = Path(get_template("email/base.txt").origin.name).parent
    return {
        path.relative_to(folder).with_suffix("").as_posix(): path.read_text()
        for path in sorted(folder.rglob("*.txt"))
        if path.name != "base.txt"
    }


def test_every_mail_begins_with_its_subject():
    names = list(templates())
    assert {name: bool(render_mail(name, {}).subject) for name in names} == dict.fromkeys(
        names, True
    )


def test_every_mail_has_one_link_to_act_and_it_is_a_button():
    found = {name: _LINK.findall(source) for name, source in templates().items()}
    assert {name: links for name, links in found.items() if len(links) != 1} == {}
    assert {
        name: source for name, source in templates().items() if not _BUTTON.search(source)
    } == {}


def test_no_mail_about_a_case_repeats_the_name_that_begins_its_subject():
    subjects = {
        name: _SUBJECT.search(source)[1]
        for name, source in templates().items()
        if name.startswith(("workflow/", "writing/"))
    }
    assert {
        name: said for name, said in subjects.items() if "title" in said or "reference" in said
    } == {}


def test_only_what_needs_no_notification_is_mailed_directly():
    """Links that open an account, and what a person who has none is sent."""
    direct = {
        path.relative_to(PROJECT).as_posix()
        for app in settings.PROJECT_APPS
        for path in (PROJECT / app).rglob("*.py")
        if re.search(r"\bqueue_(template_)?mail\(", path.read_text())
    }
    assert direct == {
        "accounts/adapters.py",
        "accounts/second_factor.py",
        "accounts/services.py",
        "communities/services.py",
        "contracts/signing/telling.py",
        "mobilisation/telling.py",
        "notifications/digests.py",
        "notifications/services.py",
        "outbox/services.py",
        "signatures/telling.py",
    }


def test_the_case_begins_the_subject_and_the_foot_leads_to_the_choices():
    mail = render_mail(
        "communities/team_invitation",
        CONTEXT,
        about="CPTS Aubrac · LI-76-2026-0001",
        preferences_url="http://testserver/compte/courriels/",
    )
    assert mail.subject == f"CPTS Aubrac · LI-76-2026-0001 – {mail.matter}"
    assert mail.action == "Répondre à l’invitation"
    assert mail.text.endswith(
        "\nChoisir les courriels que vous recevez\u00a0: http://testserver/compte/courriels/\n"
    )
    assert re.findall(r'href="([^"]+)"', mail.html) == [
        CONTEXT["url"],
        "http://testserver/compte/courriels/",
    ]
