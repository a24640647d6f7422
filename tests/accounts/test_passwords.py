"""The link that gives a new password has reached the mailbox: it proves the address as well."""

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from accounts.models import User
from tests.mailbox import link_in, mails

pytestmark = pytest.mark.django_db

EMAIL = "ines.delmas@exemple.test"
PASSWORD = "ruche colline vapeur lundi"


def _choose_a_password(client: Client) -> None:
    client.post("/compte/mot-de-passe/oublie/", {"email": EMAIL})
    opened = client.get(link_in(mails(EMAIL)[-1]))
    answer = client.post(opened.url, {"password1": PASSWORD, "password2": PASSWORD})
    assert answer.status_code == 302


def _sign_in(client: Client) -> str:
    return client.post("/compte/connexion/", {"login": EMAIL, "password": PASSWORD}).url


def test_an_imported_account_opens_with_the_one_mail_that_gave_its_password(client: Client) -> None:
    person = User.objects.create_user(EMAIL)

    _choose_a_password(client)

    assert list(EmailAddress.objects.values_list("user", "email", "verified", "primary")) == [
        (person.pk, EMAIL, True, True)
    ]
    sent = len(mails(EMAIL))
    assert _sign_in(client) == "/accueil/"
    assert client.get("/compte/").status_code == 200
    assert len(mails(EMAIL)) == sent


def test_an_address_given_beside_is_not_proved_by_it(client: Client) -> None:
    person = User.objects.create_user(EMAIL)
    EmailAddress.objects.create(user=person, email=EMAIL, primary=True)
    EmailAddress.objects.create(user=person, email="autre@exemple.test")

    _choose_a_password(client)

    assert set(EmailAddress.objects.values_list("email", "verified")) == {
        (EMAIL, False),
        ("autre@exemple.test", False),
    }
    assert _sign_in(client) == "/compte/adresse/confirmation/"
