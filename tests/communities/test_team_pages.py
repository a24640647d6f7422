from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from communities import services
from communities.models import TeamInvitation, TeamMember
from tests import factories
from tests.mailbox import link_in, mails

pytestmark = pytest.mark.django_db

GUEST = "noe.petit@exemple.test"


@pytest.fixture
def owner(client):
    person = factories.user()
    client.force_login(person)
    return person


@pytest.fixture
def community(owner):
    return factories.community(owner, name="CPTS du Lac")


def url(community, tail: str = "equipe/") -> str:
    return f"/cpts/{community.public_id}/{tail}"


def test_owner_invites_from_the_team_page(client, community):
    answer = client.post(url(community), {"email": GUEST, "role": "editor"}, follow=True)
    page = answer.content.decode()
    assert f"L’invitation part à l’adresse {GUEST}." in page
    assert "Invitations en attente" in page
    assert len(mails(GUEST)) == 1


def test_refused_invitation_keeps_what_was_typed_and_says_why(client, community, owner):
    page = client.post(url(community), {"email": owner.email, "role": "reader"}).content.decode()
    assert "fait déjà partie de l’équipe" in page
    assert f'value="{owner.email}"' in page
    assert 'href="#id_email"' in page


def test_reader_sees_the_team_without_any_button(community):
    reader = Client()
    reader.force_login(factories.team_member(community, role=TeamMember.Role.READER).user)
    page = reader.get(url(community)).content.decode()
    assert "Seul un responsable" in page
    assert "Envoyer l’invitation" not in page
    assert "Changer" not in page


def every_action(community, member, invitation, transfer) -> list[tuple[str, dict[str, str]]]:
    """Each address of the team, as a POST."""
    return [
        (url(community), {"email": "x@exemple.test", "role": "editor"}),
        (url(community, f"equipe/{member.pk}/role/"), {"role": "reader"}),
        (url(community, f"equipe/{member.pk}/retirer/"), {}),
        (url(community, "equipe/responsabilite/"), {"member": str(member.pk)}),
        (url(community, f"invitations/{invitation.pk}/renvoyer/"), {}),
        (url(community, f"invitations/{invitation.pk}/retirer/"), {}),
        (url(community, f"equipe/responsabilite/{transfer.pk}/"), {"answer": "accept"}),
    ]


@pytest.fixture
def actions(community, owner):
    member = factories.team_member(community)
    heir = factories.team_member(community)
    return every_action(
        community,
        member,
        services.invite(community=community, email=GUEST, role="editor", by=owner),
        services.offer_ownership(community=community, to_member=heir, by=owner),
    )


def state(community) -> tuple[list[tuple[int, str]], list[tuple[str, str]], int]:
    return (
        list(community.team_members.values_list("pk", "role")),
        list(TeamInvitation.objects.values_list("token_digest", "role")),
        len(mails()),
    )


def test_stranger_meets_nothing_at_any_address(community, actions):
    stranger = Client()
    # A person with a team of their own: the link is to someone else's CPTS.
    stranger.force_login(factories.community().created_by)
    before = state(community)
    answers = [stranger.post(address, data).status_code for address, data in actions]
    answers += [stranger.post(url(community, "equipe/quitter/")).status_code]
    answers += [stranger.get(url(community)).status_code]
    assert answers == [404] * 9
    assert state(community) == before


@pytest.mark.parametrize("role", [TeamMember.Role.EDITOR, TeamMember.Role.READER])
def test_member_who_is_not_owner_is_refused_every_action(community, actions, role):
    member = Client()
    member.force_login(factories.team_member(community, role=role).user)
    before = state(community)
    assert [member.post(address, data).status_code for address, data in actions] == [403] * 7
    assert state(community) == before


def test_owner_acting_for_an_organisation_does_not_see_the_team(community, actions, owner):
    factories.membership(owner)
    client = Client()
    client.force_login(owner)
    assert client.get(url(community)).status_code == 404
    client.post("/compte/role/")
    assert client.get(url(community)).status_code == 200


def test_rows_of_another_team_are_not_reached_through_mine(client, community):
    other = factories.community()
    member = factories.team_member(other)
    invitation = services.invite(community=other, email=GUEST, role="editor", by=other.created_by)
    assert [
        client.post(url(community, f"equipe/{member.pk}/role/"), {"role": "reader"}).status_code,
        client.post(url(community, f"equipe/{member.pk}/retirer/")).status_code,
        client.post(url(community, f"invitations/{invitation.pk}/renvoyer/")).status_code,
        client.post(url(community, f"invitations/{invitation.pk}/retirer/")).status_code,
    ] == [404] * 4
    # Nor offered the ownership of mine.
    page = client.post(url(community, "equipe/responsabilite/"), {"member": member.pk})
    assert page.status_code == 200
    assert 'href="#id_member"' in page.content.decode()


def test_visitor_is_asked_to_sign_in(community):
    answer = Client().get(url(community))
    assert answer.url == f"/compte/connexion/?next={url(community)}"


def test_owner_changes_a_role_and_removes_after_a_question(client, community):
    member = factories.team_member(community)
    client.post(url(community, f"equipe/{member.pk}/role/"), {"role": "reader"})
    member.refresh_from_db()
    assert member.role == TeamMember.Role.READER
    client.post(url(community, f"equipe/{member.pk}/role/"), {"role": "owner"})
    member.refresh_from_db()
    assert member.role == TeamMember.Role.READER
    question = client.get(url(community, f"equipe/{member.pk}/retirer/")).content.decode()
    assert "ne verra plus les dossiers" in question
    client.post(url(community, f"equipe/{member.pk}/retirer/"))
    assert not TeamMember.objects.filter(pk=member.pk).exists()


def test_last_owner_who_leaves_is_told_what_to_do(client, community):
    page = client.post(url(community, "equipe/quitter/"), follow=True).content.decode()
    assert "toujours au moins un responsable" in page


def test_ownership_is_offered_then_accepted(client, community, owner):
    heir = factories.team_member(community)
    answer = client.post(url(community, "equipe/responsabilite/"), {"member": heir.pk}, follow=True)
    assert "Rien ne change avant sa réponse" in answer.content.decode()
    other = Client()
    other.force_login(heir.user)
    page = other.get(link_in(mails(heir.user.email)[0])).content.decode()
    assert "Accepter la responsabilité" in page
    transfer = community.ownership_transfers.get()
    address = url(community, f"equipe/responsabilite/{transfer.pk}/")
    assert "utilisez l’un des boutons" in other.post(address, follow=True).content.decode()
    other.post(address, {"answer": "accept"})
    assert dict(community.team_members.values_list("user", "role")) == {
        owner.pk: "editor",
        heir.user_id: "owner",
    }
    # The same button pressed again answers in words.
    page = other.post(address, {"answer": "accept"}, follow=True).content.decode()
    assert "déjà été acceptée" in page


def test_invited_person_accepts_from_the_link(community, owner):
    services.invite(community=community, email=GUEST, role="editor", by=owner)
    link = link_in(mails(GUEST)[0])
    guest = Client()
    assert "Créer mon compte" in guest.get(link).content.decode()
    person = factories.user(GUEST)
    assert "Vous avez déjà un compte" in guest.get(link).content.decode()
    guest.force_login(person)
    assert "Rejoindre l’équipe" in guest.get(link).content.decode()
    assert guest.post(link).url == url(community)
    assert guest.get(link).url == url(community)
    assert community.team_role(person) == "editor"


def test_agent_who_joins_a_team_then_acts_in_their_own_name(community, owner):
    services.invite(community=community, email=GUEST, role="reader", by=owner)
    agent = Client()
    agent.force_login(factories.membership(factories.user(GUEST)).user)
    answer = agent.post(link_in(mails(GUEST)[0]), follow=True)
    assert answer.status_code == 200
    assert answer.context["acting"] is None


def test_expired_invitation_says_whom_to_ask(community, owner):
    services.invite(community=community, email=GUEST, role="editor", by=owner)
    TeamInvitation.objects.update(expires_at=timezone.now() - timedelta(days=1))
    answer = Client().get(link_in(mails(GUEST)[0]))
    assert answer.status_code == 410
    assert f"Demandez à {owner} de la renvoyer" in answer.content.decode()


def test_invitation_sent_again_from_the_page_has_a_new_link(client, community, owner):
    invitation = services.invite(community=community, email=GUEST, role="editor", by=owner)
    client.post(url(community, f"invitations/{invitation.pk}/renvoyer/"))
    former, latest = (link_in(mail) for mail in mails(GUEST))
    assert [Client().get(link).status_code for link in (former, latest)] == [404, 200]
    client.post(url(community, f"invitations/{invitation.pk}/retirer/"))
    assert Client().get(latest).status_code == 410


def test_team_page_costs_the_same_with_one_member_or_thirty(
    client, community, owner, django_assert_num_queries
):
    # Session, person, CPTS; its members, transfer and invitations.
    with django_assert_num_queries(4):
        client.get(url(community))
    for number in range(29):
        factories.team_member(community)
        services.invite(
            community=community, email=f"invite{number}@exemple.test", role="editor", by=owner
        )
    with django_assert_num_queries(4):
        client.get(url(community))
