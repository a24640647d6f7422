from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.invitations import InvitationError
from communities import rules, services
from communities.models import Community, OwnershipTransfer, TeamInvitation, TeamMember
from communities.services import TeamError
from tests import factories
from tests.mailbox import link_in, mails

pytestmark = pytest.mark.django_db

OWNER, EDITOR, READER = TeamMember.Role.OWNER, TeamMember.Role.EDITOR, TeamMember.Role.READER
GUEST = "noe.petit@exemple.test"


@pytest.fixture
def owner():
    return factories.user("responsable@exemple.test", first_name="Anne", last_name="Roux")


@pytest.fixture
def community(owner):
    return factories.community(owner, name="CPTS du Lac")


def team(community: Community) -> dict[str, str]:
    return dict(community.team_members.values_list("user__email", "role"))


# --- The CPTS itself -----------------------------------------------------------------


def test_new_community_has_one_owner_and_an_empty_current_territory(owner):
    community = services.create_community(
        name="  CPTS du Lac ", region=factories.region(), user=owner
    )
    assert (community.name, community.created_by) == ("CPTS du Lac", owner)
    assert team(community) == {owner.email: OWNER}
    assert community.territory.parts.count() == 0


def test_community_is_seen_by_its_team_in_their_own_name_only(community, owner):
    reader = factories.team_member(community, role=READER).user
    stranger = factories.user()
    in_a_role = factories.membership(owner).user
    in_a_role.acting = in_a_role.memberships.get()
    seen = {person.pk: list(Community.objects.visible_to(person)) for person in (reader, stranger)}
    assert seen == {reader.pk: [community], stranger.pk: []}
    assert list(Community.objects.visible_to(in_a_role)) == []


def test_what_each_member_may_do(community, owner):
    people = {
        "owner": owner,
        "editor": factories.team_member(community, role=EDITOR).user,
        "reader": factories.team_member(community, role=READER).user,
        "stranger": factories.user(),
    }
    assert {
        name: (rules.is_on_team(community, person), rules.may_manage_team(community, person))
        for name, person in people.items()
    } == {
        "owner": (True, True),
        "editor": (True, False),
        "reader": (True, False),
        "stranger": (False, False),
    }


# --- Invitations ---------------------------------------------------------------------


def test_invited_person_joins_with_the_role_offered(community, owner):
    invitation = services.invite(community=community, email=GUEST.upper(), role=READER, by=owner)
    [message] = mails(GUEST)
    assert message.subject == "Invitation à rejoindre l’équipe de «\u00a0CPTS du Lac\u00a0»"
    assert "Anne Roux vous invite" in message.text_body
    assert "sans les modifier" in message.text_body
    assert link_in(message) in message.html_body
    guest = factories.user(GUEST)
    services.accept_invitation(invitation, user=guest)
    assert team(community) == {owner.email: OWNER, GUEST: READER}


@pytest.mark.parametrize("role", [OWNER, "chef"])
def test_invitation_gives_editor_or_reader_only(community, owner, role):
    with pytest.raises(PermissionDenied):
        services.invite(community=community, email=GUEST, role=role, by=owner)


def test_member_and_waiting_guest_are_not_invited_twice(community, owner):
    with pytest.raises(TeamError, match="fait déjà partie"):
        services.invite(community=community, email=owner.email, role=EDITOR, by=owner)
    services.invite(community=community, email=GUEST, role=EDITOR, by=owner)
    with pytest.raises(TeamError, match="attend déjà"):
        services.invite(community=community, email=GUEST, role=READER, by=owner)
    TeamInvitation.objects.update(expires_at=timezone.now() - timedelta(days=1))
    renewed = services.invite(community=community, email=GUEST, role=READER, by=owner)
    assert (renewed.is_open, renewed.role) == (True, READER)
    assert TeamInvitation.objects.count() == 1


def test_team_is_bounded(community, owner, monkeypatch):
    monkeypatch.setattr(services, "TEAM_LIMIT", 2)
    services.invite(community=community, email=GUEST, role=EDITOR, by=owner)
    with pytest.raises(TeamError, match="2 personnes au plus"):
        services.invite(community=community, email="autre@exemple.test", role=EDITOR, by=owner)


def test_invitation_is_answered_once(community, owner):
    invitation = services.invite(community=community, email=GUEST, role=EDITOR, by=owner)
    guest = factories.user(GUEST)
    services.accept_invitation(invitation, user=guest)
    with pytest.raises(InvitationError, match="a déjà servi"):
        services.accept_invitation(invitation, user=guest)
    for verb in (services.resend_invitation, services.revoke_invitation):
        with pytest.raises(TeamError, match="a déjà accepté"):
            verb(invitation, by=owner)


def test_withdrawn_or_expired_invitation_gives_nothing(community, owner):
    invitation = services.invite(community=community, email=GUEST, role=EDITOR, by=owner)
    guest = factories.user(GUEST)
    TeamInvitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(InvitationError, match="a expiré"):
        services.accept_invitation(invitation, user=guest)
    services.revoke_invitation(invitation, by=owner)
    with pytest.raises(InvitationError, match="a été retirée"):
        services.accept_invitation(invitation, user=guest)
    assert team(community) == {owner.email: OWNER}


# --- Members ------------------------------------------------------------------------


def test_owner_changes_a_role(community, owner):
    member = factories.team_member(community, role=READER)
    services.change_role(member, role=EDITOR, by=owner)
    assert team(community)[member.user.email] == EDITOR


def test_ownership_is_never_given_by_changing_a_role(community, owner):
    member = factories.team_member(community)
    with pytest.raises(PermissionDenied):
        services.change_role(member, role=OWNER, by=owner)


def test_removed_member_is_told_and_sees_nothing_any_more(community, owner):
    member = factories.team_member(community)
    services.remove_member(member, by=owner)
    assert team(community) == {owner.email: OWNER}
    assert mails(member.user.email)[0].subject == (
        "CPTS du Lac – vous ne faites plus partie de l’équipe"
    )
    assert list(Community.objects.visible_to(member.user)) == []
    with pytest.raises(TeamError, match="ne fait plus partie"):
        services.remove_member(member, by=owner)


def test_last_owner_neither_leaves_nor_steps_down(community, owner):
    factories.team_member(community)
    own = community.team_members.get(user=owner)
    for attempt in (
        lambda: services.leave(community, user=owner),
        lambda: services.change_role(own, role=EDITOR, by=owner),
    ):
        with pytest.raises(TeamError, match="toujours au moins un responsable"):
            attempt()
    assert team(community)[owner.email] == OWNER


def test_one_of_two_owners_may_leave(community, owner):
    other = factories.team_member(community, role=OWNER)
    services.leave(community, user=owner)
    assert team(community) == {other.user.email: OWNER}


@pytest.mark.parametrize("role", [EDITOR, READER])
def test_editors_and_readers_change_nothing_but_may_leave(community, owner, role):
    member = factories.team_member(community, role=role)
    other = factories.team_member(community)
    invitation = services.invite(community=community, email=GUEST, role=EDITOR, by=owner)
    for attempt in (
        lambda: services.invite(
            community=community, email="x@exemple.test", role=EDITOR, by=member.user
        ),
        lambda: services.resend_invitation(invitation, by=member.user),
        lambda: services.revoke_invitation(invitation, by=member.user),
        lambda: services.change_role(other, role=READER, by=member.user),
        lambda: services.remove_member(other, by=member.user),
        lambda: services.offer_ownership(community=community, to_member=other, by=member.user),
    ):
        with pytest.raises(PermissionDenied):
            attempt()
    services.leave(community, user=member.user)
    assert member.user.email not in team(community)


def test_owner_acting_for_an_organisation_does_not_manage_the_team(community, owner):
    owner.acting = factories.membership(owner)
    with pytest.raises(PermissionDenied):
        services.invite(community=community, email=GUEST, role=EDITOR, by=owner)


# --- Ownership ----------------------------------------------------------------------


@pytest.fixture
def heir(community):
    return factories.team_member(
        community, factories.user("suite@exemple.test", first_name="Paul", last_name="Morel")
    )


@pytest.fixture
def transfer(community, owner, heir):
    return services.offer_ownership(community=community, to_member=heir, by=owner)


def test_ownership_passes_when_both_agree(community, owner, heir, transfer):
    assert team(community) == {owner.email: OWNER, heir.user.email: EDITOR}
    services.accept_ownership(transfer, user=heir.user)
    assert team(community) == {owner.email: EDITOR, heir.user.email: OWNER}
    assert [mail.subject for mail in mails(heir.user.email)] == [
        "CPTS du Lac – Anne Roux vous propose d’en être responsable"
    ]
    assert [mail.subject for mail in mails(owner.email)] == [
        "CPTS du Lac – Paul Morel en est maintenant responsable"
    ]
    with pytest.raises(TeamError, match="déjà été acceptée"):
        services.accept_ownership(transfer, user=heir.user)


def test_declined_or_withdrawn_offer_changes_nothing(community, owner, heir, transfer):
    services.decline_ownership(transfer, user=heir.user)
    with pytest.raises(TeamError, match="ne tient plus"):
        services.accept_ownership(transfer, user=heir.user)
    again = services.offer_ownership(community=community, to_member=heir, by=owner)
    services.withdraw_ownership(again, user=owner)
    with pytest.raises(TeamError, match="ne tient plus"):
        services.accept_ownership(again, user=heir.user)
    assert team(community) == {owner.email: OWNER, heir.user.email: EDITOR}


def test_nobody_answers_for_another(community, owner, heir, transfer):
    for attempt in (
        lambda: services.accept_ownership(transfer, user=owner),
        lambda: services.decline_ownership(transfer, user=owner),
        lambda: services.withdraw_ownership(transfer, user=heir.user),
        lambda: services.accept_ownership(transfer, user=factories.user()),
    ):
        with pytest.raises(PermissionDenied):
            attempt()


def test_one_offer_at_a_time(community, owner, heir, transfer):
    other = factories.team_member(community)
    with pytest.raises(TeamError, match="attend déjà une réponse"):
        services.offer_ownership(community=community, to_member=other, by=owner)


def test_offer_falls_with_the_person_who_leaves(community, owner, heir, transfer):
    services.leave(community, user=heir.user)
    transfer.refresh_from_db()
    assert transfer.declined_at is not None
    assert not OwnershipTransfer.objects.waiting().exists()
