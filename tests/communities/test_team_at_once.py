"""Two people change the same team in the same second, in real transactions."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from accounts.invitations import InvitationError
from communities import services
from communities.models import Community, TeamInvitation, TeamMember
from communities.services import TeamError
from tests import factories
from tests.mailbox import mails

pytestmark = pytest.mark.django_db(transaction=True)

OWNER = TeamMember.Role.OWNER


def at_once(*actions: Callable[[], object]) -> list[str]:
    """Run the actions together, each on its own connection; give what each answered."""
    barrier = Barrier(len(actions))

    def run(action: Callable[[], object]) -> str:
        try:
            barrier.wait(timeout=10)
            action()
        except (TeamError, InvitationError, PermissionDenied) as error:
            return type(error).__name__
        else:
            return "done"
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actions)) as pool:
        return sorted(pool.map(run, actions))


@pytest.fixture
def owners():
    first, second = factories.user(), factories.user()
    community = factories.community(first)
    factories.team_member(community, second, OWNER)
    return community, first, second


def owners_of(community: Community) -> int:
    return community.team_members.filter(role=OWNER).count()


def test_two_last_owners_leave_at_once_and_one_stays(owners):
    community, first, second = owners
    answers = at_once(
        lambda: services.leave(community, user=first),
        lambda: services.leave(community, user=second),
    )
    assert answers == [TeamError.__name__, "done"]
    assert owners_of(community) == 1


def test_two_owners_remove_each_other_at_once_and_one_stays(owners):
    community, first, second = owners
    rows = {member.user_id: member for member in community.team_members.all()}
    answers = at_once(
        lambda: services.remove_member(rows[second.pk], by=first),
        lambda: services.remove_member(rows[first.pk], by=second),
    )
    assert answers == ["PermissionDenied", "done"]
    assert owners_of(community) == 1


def test_two_owners_step_down_at_once_and_one_stays(owners):
    community, first, second = owners
    rows = {member.user_id: member for member in community.team_members.all()}
    answers = at_once(
        lambda: services.change_role(rows[first.pk], role="editor", by=first),
        lambda: services.change_role(rows[second.pk], role="editor", by=second),
    )
    assert answers == [TeamError.__name__, "done"]
    assert owners_of(community) == 1


def test_owner_who_leaves_while_the_offer_is_accepted_leaves_an_owner(owners):
    community, first, second = owners
    heir = factories.team_member(community)
    services.leave(community, user=second)
    transfer = services.offer_ownership(community=community, to_member=heir, by=first)
    at_once(
        lambda: services.accept_ownership(transfer, user=heir.user),
        lambda: services.leave(community, user=first),
    )
    assert owners_of(community) == 1


def test_same_person_invited_twice_at_once_gets_one_invitation(owners):
    community, first, second = owners
    email = "noe@exemple.test"
    answers = at_once(
        lambda: services.invite(community=community, email=email, role="editor", by=first),
        lambda: services.invite(community=community, email=email, role="reader", by=second),
    )
    assert answers == [TeamError.__name__, "done"]
    assert (TeamInvitation.objects.count(), len(mails(email))) == (1, 1)


def test_invitation_accepted_twice_at_once_gives_one_place(owners):
    community, first, _second = owners
    guest = factories.user("noe@exemple.test")
    invitation = services.invite(community=community, email=guest.email, role="editor", by=first)
    answers = at_once(
        lambda: services.accept_invitation(invitation, user=guest),
        lambda: services.accept_invitation(invitation, user=guest),
    )
    assert answers == ["InvitationError", "done"]
    assert community.team_members.filter(user=guest).count() == 1
