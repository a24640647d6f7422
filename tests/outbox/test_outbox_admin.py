"""An administrator sees what waits and why, without SQL and without anybody's links."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from outbox import services
from outbox.models import Mail, OutboxEvent
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(factories.user(is_staff=True, is_superuser=True))
    return client


def test_a_mail_that_could_not_leave_is_shown_with_its_reason_and_not_its_text(
    staff: Client,
) -> None:
    mail = services.queue_mail(
        key="a", recipient="alice@exemple.test", subject="Objet", text_body="lien-secret"
    )
    Mail.objects.filter(pk=mail.pk).update(attempts=3, last_error="Connexion refusée")

    pages = [
        staff.get(url).content.decode()
        for url in (
            "/administration/outbox/mail/?sent_at__isempty=1",
            f"/administration/outbox/mail/{mail.pk}/change/",
        )
    ]
    said = ("alice@exemple.test", "Connexion refusée", "lien-secret")
    assert [[words in page for words in said] for page in pages] == [[True, True, False]] * 2


def test_work_that_waits_is_told_from_work_done(staff: Client) -> None:
    for key in ("done", "waiting"):
        services.publish("tests.outbox.trace", key=key, recipient="alice@exemple.test")
    done = OutboxEvent.objects.filter(deduplication_key__endswith=":done")
    done.update(done_at=timezone.now() - timedelta(days=1))

    page = staff.get("/administration/outbox/outboxevent/?done_at__isempty=1")
    assert [row.deduplication_key for row in page.context["cl"].queryset] == [
        "tests.outbox.trace:waiting"
    ]


@pytest.mark.parametrize("model", ["mail", "outboxevent"])
def test_nothing_is_added_changed_or_removed_by_hand(staff: Client, model: str) -> None:
    mail = services.queue_mail(key="a", recipient="a@exemple.test", subject="O", text_body="T")
    services.publish("tests.outbox.trace", key="a", recipient="a@exemple.test")
    pk = mail.pk if model == "mail" else OutboxEvent.objects.get().pk
    base = f"/administration/outbox/{model}"
    assert [
        staff.post(url, {"subject": "Autre"}).status_code
        for url in (f"{base}/add/", f"{base}/{pk}/change/", f"{base}/{pk}/delete/")
    ] == [403, 403, 403]


@pytest.mark.parametrize(
    "url", ["sites/site/", "auth/group/", "dsfr/dsfrconfig/", "account/emailconfirmation/"]
)
def test_what_does_nothing_here_is_not_in_the_administration(staff: Client, url: str) -> None:
    assert staff.get(f"/administration/{url}").status_code == 404


def test_each_section_of_the_administration_has_a_name_of_its_own(staff: Client) -> None:
    sections = [app["name"] for app in staff.get("/administration/").context["app_list"]]
    assert sorted(set(sections)) == sorted(sections)
