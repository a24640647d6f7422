import pytest

from accounts.models import OrganisationInvitation
from tests import factories
from tests.mailbox import mails

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client):
    person = factories.user(is_staff=True, is_superuser=True)
    client.force_login(person)
    return person


@pytest.mark.parametrize(
    "url",
    [
        "/administration/",
        "/administration/accounts/user/",
        "/administration/accounts/user/add/",
        "/administration/accounts/organisation/?to_complete__exact=1",
        "/administration/accounts/membership/",
        "/administration/accounts/organisationinvitation/add/",
        "/administration/communities/community/",
    ],
)
def test_administrator_opens_every_list(client, staff, url):
    factories.membership()
    factories.community()
    assert client.get(url).status_code == 200


def test_administrator_opens_a_person(client, staff):
    person = factories.membership().user
    assert client.get(f"/administration/accounts/user/{person.pk}/change/").status_code == 200


def test_administrator_invites_and_the_mail_leaves(client, staff):
    agency = factories.organisation()
    data = {"organisation": agency.pk, "email": "lea@exemple.test", "role": "coordinator"}
    url = "/administration/accounts/organisationinvitation/add/"
    assert client.post(url, data).status_code == 302
    assert OrganisationInvitation.objects.get().invited_by == staff
    assert len(mails("lea@exemple.test")) == 1
    # The same again, and a role that an ARS does not have: said beside the form.
    assert "attend déjà" in client.post(url, data).content.decode()
    page = client.post(url, data | {"role": "president"}).content.decode()
    assert "n’existe pas dans cet organisme" in page


def test_administration_has_the_same_entrance_as_everyone(client):
    answer = client.get("/administration/", follow=True)
    assert answer.redirect_chain[-1][0].startswith("/compte/connexion/")


def test_person_who_is_not_staff_is_refused(client):
    client.force_login(factories.user())
    assert client.get("/administration/", follow=True).status_code == 403
