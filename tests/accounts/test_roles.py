from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from accounts import rules, services
from accounts.invitations import InvitationError
from accounts.models import Membership, Organisation, OrganisationInvitation, User
from outbox.models import Mail
from tests import factories
from tests.mailbox import link_in, mails

pytestmark = pytest.mark.django_db

Role = Membership.Role
Kind = Organisation.Kind
GUEST = "lea.fabre@exemple.test"


def acting(membership: Membership) -> User:
    """The person as the middleware gives them to a view."""
    membership.user.acting = membership
    return membership.user


@pytest.fixture
def agency():
    return factories.organisation(Kind.ARS, code="ars-occitanie", name="ARS Occitanie")


@pytest.fixture
def branch(agency):
    return factories.organisation(
        Kind.ARS_BRANCH,
        code="dd-31",
        name="Délégation départementale de Haute-Garonne",
        parent=agency,
        department=factories.department(),
    )


@pytest.fixture
def coordinator(agency):
    return acting(factories.membership(organisation_=agency, role=Role.COORDINATOR))


def invite(agency, coordinator, **change):
    fields = {"organisation": agency, "email": GUEST, "role": "agent", "by": coordinator}
    return services.invite_to_role(**(fields | change))


# --- Acting in a role ----------------------------------------------------------------


def test_person_with_a_role_begins_in_it_and_switches_openly(client):
    first = factories.membership()
    second = factories.membership(first.user, role=Role.SIGNATORY)
    client.force_login(first.user)
    assert client.get("/compte/").context["acting"] == first
    client.post("/compte/role/", {"membership": second.pk})
    assert client.get("/compte/").context["acting"] == second
    client.post("/compte/role/", {"membership": ""})
    page = client.get("/compte/")
    assert page.context["acting"] is None
    assert "en votre nom" in page.content.decode()
    assert "Changer de rôle" in page.content.decode()


def test_switching_roles_renews_the_key_of_the_session(client):
    membership = factories.membership()
    client.force_login(membership.user)
    former = client.session.session_key

    client.post("/compte/role/", {"membership": ""})

    assert client.session.session_key != former
    assert not client.session.__class__().exists(former)


@pytest.mark.parametrize("chosen", ["other", "ended", "0", "abc", "-1"])
def test_nobody_acts_in_a_role_that_is_not_theirs(client, chosen):
    mine = factories.membership()
    other = factories.membership()
    ended = factories.membership(mine.user, is_active=False)
    client.force_login(mine.user)
    value = {"other": other.pk, "ended": ended.pk}.get(chosen, chosen)
    assert client.post("/compte/role/", {"membership": value}).status_code == 404
    assert client.get("/compte/").context["acting"] == mine


def test_role_that_ends_is_forgotten_on_the_next_page(client):
    membership = factories.membership()
    client.force_login(membership.user)
    Membership.objects.filter(pk=membership.pk).update(is_active=False)
    assert client.get("/compte/").context["acting"] is None


def test_role_is_switched_by_post_only(client):
    client.force_login(factories.user())
    assert client.get("/compte/role/").status_code == 405


def test_profile_is_corrected_and_names_are_required(client):
    person = factories.user()
    client.force_login(person)
    refused = client.post("/compte/", {"first_name": "", "last_name": "Roux", "profession": ""})
    assert "data-error-summary" in refused.content.decode()
    client.post("/compte/", {"first_name": "Zoé", "last_name": "Roux", "profession": "sage-femme"})
    person.refresh_from_db()
    assert (person.first_name, person.last_name, person.profession) == ("Zoé", "Roux", "sage-femme")


# --- Who gives what ------------------------------------------------------------------


def test_who_manages_the_people_of_an_agency_and_of_its_branch(agency, branch):
    elsewhere = factories.organisation(Kind.ARS)
    people = {
        "coordinator": acting(factories.membership(organisation_=agency, role=Role.COORDINATOR)),
        "coordinator of the département": acting(
            factories.membership(
                organisation_=agency, role=Role.COORDINATOR, department=branch.department
            )
        ),
        "coordinator of another département": acting(
            factories.membership(
                organisation_=agency,
                role=Role.COORDINATOR,
                department=factories.department("81", "Tarn"),
            )
        ),
        "coordinator of the branch": acting(
            factories.membership(organisation_=branch, role=Role.COORDINATOR)
        ),
        "coordinator elsewhere": acting(
            factories.membership(organisation_=elsewhere, role=Role.COORDINATOR)
        ),
        "agent": acting(factories.membership(organisation_=agency)),
        "staff": factories.user(is_staff=True),
        "anyone": factories.user(),
    }
    expected = {
        "coordinator": (True, True),
        "coordinator of the département": (True, True),
        "coordinator of another département": (True, False),
        "coordinator of the branch": (False, True),
        "coordinator elsewhere": (False, False),
        "agent": (False, False),
        "staff": (True, True),
        "anyone": (False, False),
    }
    assert {
        name: tuple(rules.may_manage_people(body, person) for body in (agency, branch))
        for name, person in people.items()
    } == expected
    # What the rule allows is what the pages list; staff use the administration site.
    assert {
        name: tuple(
            Organisation.objects.managed_by(person).filter(pk=body.pk).exists()
            for body in (agency, branch)
        )
        for name, person in people.items()
    } == expected | {"staff": (False, False)}


def test_every_kind_of_organisation_gives_known_roles():
    assert set(rules.ROLES) == set(Kind.values)
    assert {role for given in rules.ROLES.values() for role in given} == set(Role.values)


@pytest.mark.parametrize("role", ["president", "reviewer", "owner"])
def test_role_that_the_organisation_does_not_have_is_refused(agency, coordinator, role):
    with pytest.raises(PermissionDenied):
        invite(agency, coordinator, role=role)


def test_coordinator_of_a_departement_gives_no_wider_role(agency, branch):
    limited = acting(
        factories.membership(
            organisation_=agency, role=Role.COORDINATOR, department=branch.department
        )
    )
    with pytest.raises(PermissionDenied):
        invite(agency, limited)
    assert invite(agency, limited, department=branch.department).department == branch.department
    assert invite(branch, limited, email="autre@exemple.test").organisation == branch


def test_departement_outside_the_region_is_refused(agency, coordinator):
    nord = factories.department("59", "Nord", of=factories.region("32", "Hauts-de-France"))
    with pytest.raises(InvitationError, match="n’est pas dans la région"):
        invite(agency, coordinator, department=nord)


def test_second_invitation_to_the_same_role_is_refused_until_the_first_expires(agency, coordinator):
    first = invite(agency, coordinator)
    with pytest.raises(InvitationError, match="attend déjà"):
        invite(agency, coordinator, email=GUEST.upper())
    OrganisationInvitation.objects.update(expires_at=timezone.now() - timedelta(days=1))
    renewed = invite(agency, coordinator)
    assert renewed.pk == first.pk
    assert renewed.is_open
    assert len(mails(GUEST)) == 2


def test_person_who_has_the_role_is_not_invited_again(agency, coordinator):
    factories.membership(factories.user(GUEST), agency)
    with pytest.raises(InvitationError, match="a déjà ce rôle"):
        invite(agency, coordinator)


def test_waiting_invitations_of_an_organisation_are_limited(agency, coordinator, monkeypatch):
    monkeypatch.setattr(services, "WAITING_LIMIT", 1)
    invite(agency, coordinator)
    with pytest.raises(InvitationError, match="retirez celles"):
        invite(agency, coordinator, email="autre@exemple.test")


# --- Accepting -----------------------------------------------------------------------


def test_invited_newcomer_signs_up_and_accepts_without_a_second_verification(
    client, agency, coordinator
):
    invite(agency, coordinator, department=factories.department())
    link = link_in(mails(GUEST)[0])
    page = client.get(link)
    assert "ARS Occitanie vous invite" in page.content.decode()
    signup_url = page.context["signup_url"]
    assert GUEST in client.get(signup_url).content.decode()
    answer = client.post(
        signup_url,
        {
            "first_name": "Léa",
            "last_name": "Fabre",
            "email": GUEST,
            "password1": "ruche colline vapeur lundi",
            "password2": "ruche colline vapeur lundi",
            "next": link,
        },
    )
    assert (answer.status_code, answer.url) == (302, link)
    assert "Accepter ce rôle" in client.get(link).content.decode()
    answer = client.post(link)
    membership = Membership.objects.get(user__email=GUEST)
    assert (membership.organisation, membership.role, membership.department) == (
        agency,
        "agent",
        factories.department(),
    )
    assert client.get("/compte/").context["acting"] == membership
    # The invitation is the proof: no other mail was needed.
    assert len(mails(GUEST)) == 1


def test_newcomer_who_signs_up_with_another_address_verifies_that_one(client, agency, coordinator):
    invite(agency, coordinator)
    client.get(link_in(mails(GUEST)[0]))
    client.post(
        "/compte/inscription/",
        {
            "first_name": "Léa",
            "last_name": "Fabre",
            "email": "autre@exemple.test",
            "password1": "ruche colline vapeur lundi",
            "password2": "ruche colline vapeur lundi",
        },
    )
    assert mails("autre@exemple.test")[0].subject == "Confirmez votre adresse électronique"
    assert client.get("/compte/").status_code == 302


def test_known_person_is_sent_to_sign_in_and_comes_back(client, agency, coordinator):
    factories.user(GUEST)
    invite(agency, coordinator)
    link = link_in(mails(GUEST)[0])
    page = client.get(link)
    assert page.context["has_account"] is True
    answer = client.post(
        page.context["login_url"],
        {"login": GUEST, "password": factories.PASSWORD, "next": link},
    )
    assert answer.url == link
    client.post(link)
    assert Membership.objects.filter(user__email=GUEST, is_active=True).count() == 1


def test_posting_without_an_account_accepts_nothing(client, agency, coordinator):
    invite(agency, coordinator)
    client.post(link_in(mails(GUEST)[0]))
    assert not Membership.objects.filter(role="agent").exists()


def refused_page(client, link) -> tuple[int, str]:
    answer = client.get(link)
    posted = client.post(link)
    assert posted.status_code == answer.status_code
    return answer.status_code, answer.context["refusal"].title


def test_invitation_that_can_no_longer_serve_says_why(client, agency, coordinator):
    guest = factories.user(GUEST)
    invitation = invite(agency, coordinator)
    link = link_in(mails(GUEST)[0])
    client.force_login(guest)
    rows = OrganisationInvitation.objects.filter(pk=invitation.pk)

    rows.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert refused_page(client, link) == (410, "Cette invitation a expiré")
    assert refused_page(Client(), link) == (410, "Cette invitation a expiré")
    rows.update(expires_at=timezone.now() + timedelta(days=1), revoked_at=timezone.now())
    assert refused_page(client, link) == (410, "Cette invitation a été retirée")
    rows.update(revoked_at=None)

    stranger = Client()
    stranger.force_login(factories.user())
    assert refused_page(stranger, link) == (
        403,
        "Cette invitation est destinée à une autre adresse",
    )
    assert refused_page(client, "/invitations/role/inconnu/") == (
        404,
        "Cette invitation n’existe pas",
    )
    client.post(link)
    assert refused_page(Client(), link) == (410, "Cette invitation a déjà servi")
    assert client.get(link).url == "/compte/"
    assert Membership.objects.filter(user=guest).count() == 1


def test_sent_again_invitation_replaces_the_former_link(client, agency, coordinator):
    invitation = invite(agency, coordinator)
    services.resend_role_invitation(invitation, by=coordinator)
    former, latest = (link_in(mail) for mail in mails(GUEST))
    assert client.get(former).status_code == 404
    assert client.get(latest).status_code == 200


def test_secret_of_an_invitation_is_not_stored(agency, coordinator):
    invitation = invite(agency, coordinator)
    token = link_in(mails(GUEST)[0]).rstrip("/").rsplit("/", 1)[-1]
    assert len(token) == 43  # 256 bits
    assert token not in str(OrganisationInvitation.objects.values().get(pk=invitation.pk))


def test_role_given_again_after_it_ended_is_the_same_row(agency, coordinator):
    membership = factories.membership(factories.user(GUEST), agency, is_active=False)
    invitation = invite(agency, coordinator)
    services.accept_role_invitation(invitation, user=membership.user)
    assert list(Membership.objects.filter(user=membership.user).values_list("pk", "is_active")) == [
        (membership.pk, True)
    ]


# --- The coordinator's page ------------------------------------------------------------


def test_coordinator_invites_resends_and_withdraws(client, agency, coordinator):
    client.force_login(coordinator)
    url = "/organismes/ars-occitanie/personnes/"
    assert client.post(url, {"email": GUEST, "role": "agent", "department": ""}).url == url
    invitation = OrganisationInvitation.objects.get()
    page = client.get(url).content.decode()
    assert GUEST in page
    client.post(f"/organismes/ars-occitanie/invitations/{invitation.pk}/renvoyer/")
    client.post(f"/organismes/ars-occitanie/invitations/{invitation.pk}/retirer/")
    assert GUEST not in client.get(url, follow=True).content.decode().split("</h1>")[1].replace(
        f"L’invitation de {GUEST}", ""
    )
    page = client.post(
        f"/organismes/ars-occitanie/invitations/{invitation.pk}/retirer/", follow=True
    ).content.decode()
    assert "a déjà été retirée" in page
    assert len(mails(GUEST)) == 2


def test_refused_invitation_keeps_what_was_typed(client, agency, coordinator):
    client.force_login(coordinator)
    page = client.post(
        "/organismes/ars-occitanie/personnes/", {"email": "pas une adresse", "role": "agent"}
    ).content.decode()
    assert 'value="pas une adresse"' in page
    assert 'href="#id_email"' in page
    assert mails() == []


def test_coordinator_ends_a_role_but_not_their_own(client, agency, coordinator):
    agent = factories.membership(organisation_=agency)
    client.force_login(coordinator)
    url = f"/organismes/ars-occitanie/personnes/{agent.pk}/terminer/"
    assert "Mettre fin au rôle" in client.get(url).content.decode()
    client.post(url)
    agent.refresh_from_db()
    assert agent.is_active is False
    own = f"/organismes/ars-occitanie/personnes/{coordinator.acting.pk}/terminer/"
    assert client.post(own).status_code == 403


@pytest.mark.parametrize("who", ["agent", "coordinator elsewhere", "in their own name"])
def test_people_of_an_organisation_are_hidden_from_others(client, agency, who):
    agent = factories.membership(organisation_=agency)
    invitation = OrganisationInvitation(
        organisation=agency, email=GUEST, role="agent", invited_by=agent.user
    )
    invitation.issue_token()
    invitation.save()
    if who == "agent":
        client.force_login(agent.user)
    elif who == "coordinator elsewhere":
        client.force_login(factories.membership(role=Role.COORDINATOR).user)
    else:
        client.force_login(factories.membership(organisation_=agency, role=Role.COORDINATOR).user)
        client.post("/compte/role/")
    base = "/organismes/ars-occitanie"
    assert [
        client.get(f"{base}/personnes/").status_code,
        client.post(f"{base}/personnes/", {"email": GUEST, "role": "agent"}).status_code,
        client.post(f"{base}/personnes/{agent.pk}/terminer/").status_code,
        client.post(f"{base}/invitations/{invitation.pk}/renvoyer/").status_code,
        client.post(f"{base}/invitations/{invitation.pk}/retirer/").status_code,
    ] == [404] * 5
    agent.refresh_from_db()
    assert agent.is_active
    assert mails() == []


def test_people_page_costs_the_same_with_one_person_or_thirty(
    client, agency, coordinator, django_assert_num_queries
):
    client.force_login(coordinator)
    url = "/organismes/ars-occitanie/personnes/"
    # 2 savepoint, 3 session, person and role, 1 organisation, 2 page, 3 lists of the page,
    # 1 addresses in failure.
    with django_assert_num_queries(12):
        client.get(url)
    for number in range(30):
        factories.membership(organisation_=agency)
        invite(agency, coordinator, email=f"invite{number}@exemple.test")
    with django_assert_num_queries(12):
        client.get(url)


def test_people_page_says_which_addresses_no_longer_receive_anything(client, agency, coordinator):
    held = factories.membership(organisation_=agency)
    agency.email = "ars@exemple.test"
    agency.save()
    for address in (held.user.email, agency.email):
        Mail.objects.create(
            deduplication_key=address,
            recipient=address,
            refused_at=timezone.now(),
            failure="adresse inconnue (5.1.1)",
        )
    client.force_login(coordinator)
    page = client.get("/organismes/ars-occitanie/personnes/").content.decode()
    assert page.count("Adresse en échec") == 1
    assert page.count("refusé\u00a0: adresse inconnue (5.1.1)") == 2
    assert "est en échec" in page
