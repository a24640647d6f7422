"""The mails of a demonstration, and nothing of them elsewhere."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils import timezone

from desks.demo_mail import caught_mails

pytestmark = pytest.mark.django_db


@pytest.fixture
def caught(settings: Any, tmp_path: Path) -> Path:
    settings.DEMO = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    return settings.EMAIL_FILE_PATH


def send(subject: str, body: str, *, attach: bool = False) -> None:
    mail = EmailMultiAlternatives(subject, body, to=["nouvelle@exemple.test"])
    mail.attach_alternative("<p>version HTML</p>", "text/html")
    if attach:
        mail.attach("lettre.pdf", b"%PDF-1.7 " + b"x" * 500, "application/pdf")
    mail.send()


def test_the_mailbox_lists_caught_mails(client: Client, caught: Path) -> None:
    send("Confirmez votre adresse", "Bonjour")
    send("Lettre reçue", "Bonjour")
    page = client.get("/demo/courriels/").content.decode()
    assert "Confirmez votre adresse" in page
    assert "Lettre reçue" in page
    assert "nouvelle@exemple.test" in page


def test_the_mailbox_is_empty_before_the_first_mail(client: Client, caught: Path) -> None:
    assert "Aucun courriel pour l’instant" in client.get("/demo/courriels/").content.decode()


def test_a_mail_is_read_as_text_with_links_to_follow(client: Client, caught: Path) -> None:
    body = "Cliquez : http://localhost:8000/compte/adresse/confirmation/MQ:1w/\n<script>x</script>"
    send("Confirmez « vite »", body, attach=True)
    name = next(caught.iterdir()).name
    page = client.get(f"/demo/courriels/{name}/0/").content.decode()
    assert 'href="http://localhost:8000/compte/adresse/confirmation/MQ:1w/"' in page
    assert "&lt;script&gt;x&lt;/script&gt;" in page
    assert "Pièces jointes\u00a0: lettre.pdf" in page
    assert "version HTML" not in page


def test_the_hour_of_a_mail_is_the_readers(caught: Path) -> None:
    send("Bonjour", "Bonjour")
    (mail,) = caught_mails(caught)
    assert mail.at is not None
    assert abs(timezone.now() - mail.at) < timedelta(minutes=1)


@pytest.mark.parametrize("path", ["absent.log/0/", "..%2Fsecret.log/0/", "x.txt/0/"])
def test_nothing_but_a_caught_mail_is_read(client: Client, caught: Path, path: str) -> None:
    send("Bonjour", "Bonjour")
    (caught.parent / "secret.log").write_text("Subject: secret\n\nsecret")
    (caught / "x.txt").write_text("Subject: x\n\nx")
    assert client.get(f"/demo/courriels/{path}").status_code == 404


def test_a_rank_beyond_the_last_mail_is_not_found(client: Client, caught: Path) -> None:
    send("Bonjour", "Bonjour")
    name = next(caught.iterdir()).name
    assert client.get(f"/demo/courriels/{name}/1/").status_code == 404


def test_outside_a_demonstration_these_pages_do_not_exist(
    client: Client, caught: Path, settings: Any
) -> None:
    send("Bonjour", "Bonjour")
    name = next(caught.iterdir()).name
    settings.DEMO = False
    assert client.get("/demo/courriels/").status_code == 404
    assert client.get(f"/demo/courriels/{name}/0/").status_code == 404
