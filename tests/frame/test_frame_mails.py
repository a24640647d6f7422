from pathlib import Path

import pytest
from django.template.loader import get_template

from cpts_portal.mails import queue_template_mail, render_mail
from outbox.models import Mail

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


def test_every_mail_begins_with_its_subject():
    folder = get_template("email/base.txt").origin.name.rsplit("/", 1)[0]
    names = sorted(
        path.relative_to(folder).with_suffix("").as_posix()
        for path in Path(folder).rglob("*.txt")
        if path.name != "base.txt"
    )
    assert {name: bool(render_mail(name, {}).subject) for name in names} == dict.fromkeys(
        names, True
    )
