import pytest
from django.core import mail as django_mail
from django.test import Client, override_settings

from accounts.models import User
from cpts_portal.settings import base
from tests import factories
from tests.mailbox import link_in, mails

pytestmark = pytest.mark.django_db

NEWCOMER = {
    "first_name": "Inès",
    "last_name": "Delmas",
    "email": "ines.delmas@exemple.test",
    "password1": "ruche colline vapeur lundi",
    "password2": "ruche colline vapeur lundi",
}


def test_newcomer_signs_up_confirms_the_address_and_is_signed_in(client):
    answer = client.post("/compte/inscription/", NEWCOMER)
    assert (answer.status_code, answer.url) == (302, "/compte/adresse/confirmation/")
    person = User.objects.get(email=NEWCOMER["email"])
    assert (person.first_name, person.last_name) == ("Inès", "Delmas")
    [message] = mails(person.email)
    assert message.subject == "Confirmez votre adresse électronique"
    assert "Bonjour Inès," in message.text_body
    assert link_in(message) in message.html_body
    # Nothing leaves the machine before the worker sends it.
    assert django_mail.outbox == []
    link = link_in(message)
    assert "Confirmer cette adresse" in client.get(link).content.decode()
    answer = client.post(link)
    assert (answer.status_code, answer.url) == (302, "/accueil/")
    assert client.get("/compte/").status_code == 200


def test_page_asked_for_before_signing_up_is_found_again_after_confirmation(client):
    client.post("/compte/inscription/?next=/compte/", NEWCOMER | {"next": "/compte/"})
    answer = client.post(link_in(mails()[0]))
    assert answer.url == "/compte/"


def test_unconfirmed_person_cannot_sign_in_and_gets_the_link_again(client):
    client.post("/compte/inscription/", NEWCOMER)
    other = Client()
    answer = other.post(
        "/compte/connexion/",
        {"login": NEWCOMER["email"], "password": NEWCOMER["password1"]},
    )
    assert answer.url == "/compte/adresse/confirmation/"
    assert other.get("/compte/").status_code == 302
    assert len(mails(NEWCOMER["email"])) == 2


def test_known_address_is_not_revealed_to_whoever_signs_up_with_it(client):
    factories.user(NEWCOMER["email"])
    answer = client.post("/compte/inscription/", NEWCOMER)
    assert (answer.status_code, answer.url) == (302, "/compte/adresse/confirmation/")
    [message] = mails(NEWCOMER["email"])
    assert message.subject == "Vous avez déjà un compte"
    assert link_in(message) == "/compte/mot-de-passe/oublie/"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"password1": "court", "password2": "court"}, "au minimum 12 caractères"),
        ({"password2": "autre chose encore"}, "même mot de passe"),
        ({"email": "pas une adresse"}, "doit ressembler à"),
        ({"first_name": ""}, "Cette réponse manque"),
    ],
)
def test_refused_sign_up_lists_what_to_correct_and_links_to_the_field(client, change, sentence):
    page = client.post("/compte/inscription/", NEWCOMER | change).content.decode()
    field = next(iter(reversed(change))) if len(change) == 1 else "password1"
    assert "data-error-summary" in page
    assert f'href="#id_{field}"' in page
    assert sentence in page
    assert not User.objects.exists()


def test_links_start_with_the_portal_address_whatever_the_host_header(client, settings):
    settings.ALLOWED_HOSTS = ["*"]
    settings.PORTAL_URL = "https://portail.exemple.test"
    client.post("/compte/inscription/", NEWCOMER, headers={"host": "pirate.exemple"})
    body = mails()[0].text_body + mails()[0].html_body
    assert "https://portail.exemple.test/compte/adresse/confirmation/" in body
    assert "pirate" not in body


def test_stale_confirmation_link_says_what_to_do(client):
    page = client.get("/compte/adresse/confirmation/inconnu/").content.decode()
    assert "Ce lien ne fonctionne plus" in page


def test_forgotten_password_is_replaced_from_the_mailbox(client, deliver_outbox):
    person = factories.user("ancien@exemple.test")
    assert client.post("/compte/mot-de-passe/oublie/", {"email": person.email}).status_code == 302
    link = link_in(mails(person.email)[0])
    form_url = client.get(link).url
    assert "12 caractères au moins" in client.get(form_url).content.decode()
    fresh = "tortue lampe gravier mardi"
    client.post(form_url, {"password1": fresh, "password2": fresh})
    person.refresh_from_db()
    assert person.check_password(fresh)
    assert [mail.subject for mail in mails(person.email)] == [
        "Choisissez un nouveau mot de passe",
        "Votre mot de passe a été changé",
    ]
    assert deliver_outbox() == 2
    assert [message.to for message in django_mail.outbox] == [[person.email]] * 2
    # The link has served.
    page = Client().get(link, follow=True).content.decode()
    assert "Ce lien ne fonctionne plus" in page


def test_forgotten_password_of_an_unknown_address_answers_the_same(client):
    known, unknown = factories.user().email, "inconnue@exemple.test"
    answers = [
        client.post("/compte/mot-de-passe/oublie/", {"email": email}).url
        for email in (known, unknown)
    ]
    assert answers == ["/compte/mot-de-passe/oublie/envoye/"] * 2
    assert mails(unknown)[0].subject == "Aucun compte à cette adresse"


def test_person_changes_their_password_and_is_told_by_mail(client):
    person = factories.user()
    client.force_login(person)
    fresh = "tortue lampe gravier mardi"
    answer = client.post(
        "/compte/mot-de-passe/",
        {"oldpassword": factories.PASSWORD, "password1": fresh, "password2": fresh},
    )
    assert (answer.status_code, answer.url) == (302, "/compte/")
    assert [mail.subject for mail in mails(person.email)] == ["Votre mot de passe a été changé"]


def test_new_address_replaces_the_former_one_once_confirmed(client):
    person = factories.user("avant@exemple.test")
    client.force_login(person)
    client.post("/compte/adresse/", {"email": "apres@exemple.test", "action_add": "1"})
    assert "apres@exemple.test" in client.get("/compte/adresse/").content.decode()
    client.post(link_in(mails("apres@exemple.test")[0]))
    person.refresh_from_db()
    assert person.email == "apres@exemple.test"


def test_too_many_wrong_passwords_pause_the_account(client):
    person = factories.user()
    limits = {"login_failed": "10/m/ip,3/300s/key"}
    with override_settings(ACCOUNT_RATE_LIMITS=limits):
        for _ in range(3):
            page = client.post("/compte/connexion/", {"login": person.email, "password": "faux"})
            assert "ne correspond pas à un compte" in page.content.decode()
        page = client.post(
            "/compte/connexion/", {"login": person.email, "password": factories.PASSWORD}
        )
    assert "Trop d’essais en peu de temps" in page.content.decode()
    assert client.get("/compte/").status_code == 302


@pytest.mark.parametrize(
    ("action", "url", "data"),
    [
        ("signup", "/compte/inscription/", {"email": "x"}),
        ("reset_password", "/compte/mot-de-passe/oublie/", {"email": "a@exemple.test"}),
    ],
)
def test_too_many_requests_get_a_page_that_says_to_wait(client, action, url, data):
    with override_settings(ACCOUNT_RATE_LIMITS={action: "2/m/ip"}):
        answers = [client.post(url, data) for _ in range(3)]
    assert answers[-1].status_code == 429
    assert "Attendez cinq minutes" in answers[-1].content.decode()


def test_limits_are_on_outside_the_tests():
    assert set(base.ACCOUNT_RATE_LIMITS) == {"login", "login_failed", "signup", "reset_password"}
    assert base.CACHES["default"]["BACKEND"] == "django.core.cache.backends.db.DatabaseCache"


def test_deactivated_person_is_told_so(client):
    person = factories.user(is_active=False)
    page = client.post(
        "/compte/connexion/",
        {"login": person.email, "password": factories.PASSWORD},
        follow=True,
    ).content.decode()
    assert "Compte désactivé" in page


@pytest.mark.parametrize(
    "url",
    [
        "/compte/connexion/",
        "/compte/inscription/",
        "/compte/deconnexion/",
        "/compte/inactif/",
        "/compte/adresse/",
        "/compte/adresse/confirmation/",
        "/compte/mot-de-passe/",
        "/compte/mot-de-passe/oublie/",
        "/compte/mot-de-passe/oublie/envoye/",
        "/compte/mot-de-passe/nouveau/enregistre/",
        "/compte/verification/",
    ],
)
def test_every_page_of_the_entrance_is_ours(client, url):
    signed_in = url in {
        "/compte/deconnexion/",
        "/compte/adresse/",
        "/compte/mot-de-passe/",
        "/compte/verification/",
    }
    if signed_in:
        client.force_login(factories.user())
    answer = client.get(url)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert page.count("<h1>") == 1
    assert "– Portail CPTS</title>" in page
    assert " style=" not in page
    assert "placeholder=" not in page
