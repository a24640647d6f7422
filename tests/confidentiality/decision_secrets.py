"""What the decisions and what follows them keep from somebody, in the order it happens.

The first letter is sent back, accepted with a reserve, helped with money. The second is completed,
arbitrated, refused; its decision is withdrawn and another is begun. The fourth is accepted by two
bodies, and its territory is called to a meeting.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from desks.play import PIECES
from tests.confidentiality.secrets import (
    AGENCIES_OF_OWN,
    AGENCY,
    BODIES,
    GUICHET,
    OFFICE_OF_OWN,
    TEAM,
    WHO_HAVE_THEIRS,
    Secret,
    Stage,
    some,
)
from tests.confidentiality.story import AGENT, GUEST, LEAD, REVIEWER, Story
from tests.workflow import asking, completing, deciding
from workflow import approving, decisions, grants, meetings, overlaps, reserves, withdrawing
from workflow.complement_asking import save_item, save_request, start_request
from workflow.complement_asking import send as send_request
from workflow.complement_ending import cancel as cancel_request
from workflow.delegations import give_delegation
from workflow.models import Case, CompletionRequest, Grant, InformationMeeting, Reserve
from workflow.services import perform

MINUTES: Final = PIECES / "questionnaire-demonstration.pdf"

# --- The first letter ----------------------------------------------------------------------


def _own(story: Story) -> Any:
    return asking.fresh(story.own)


def _send_back(story: Story, text: str) -> None:
    approving.send_back(_own(story), user=story.who("signatory"), comment=text)


def _propose_again(story: Story, text: str) -> None:
    deciding.propose(_own(story), user=story.who("agency"), fact_text=text, reserves=[])


def _accept(story: Story, text: str) -> None:
    """The text that is signed has a reserve; the word of the secret before it stays in it."""
    decision = decisions.open_decision(_own(story))
    assert decision
    deciding.propose(
        _own(story), user=story.who("agency"), fact_text=decision.fact_text, reserves=[text]
    )
    deciding.sign(_own(story), story.people["signatory"].body, story.who("signatory"))


def _reserve(story: Story) -> Reserve:
    return reserves.reserves_of(_own(story)).get()


def _answer_reserve(story: Story, text: str) -> None:
    reserves.answer_reserve(_reserve(story), user=story.who(LEAD), text=text)


def _decline(story: Story, text: str) -> None:
    reserves.decline_answer(_reserve(story), actor=story.who("agency"), reason=text)


def _lift(story: Story, text: str) -> None:
    reserves.lift_reserve(_reserve(story), actor=story.who("agency"), proof=text)


def _aid(story: Story, case: Case, text: str) -> Grant:
    return grants.grant(
        case,
        "urps_aid",
        amount=Decimal(4_000),
        granted_on=timezone.localdate(),
        actor=story.who("agency"),
        deviation=text,
    )


def _delegation(story: Story, text: str) -> None:
    give_delegation(
        story.people["agency"].body,
        holder=story.people["agency"].user,
        by=story.who("signatory"),
        capacity="Directrice adjointe",
        act=text,
        valid_from=asking.today(),
        valid_to=asking.in_days(30),
    )


# --- The second letter ---------------------------------------------------------------------


def _theirs(story: Story) -> Any:
    return asking.fresh(story.theirs)


def _request(story: Story, message: str) -> CompletionRequest:
    agency = story.who("agency")
    draft = start_request(_theirs(story), user=agency)
    save_item(draft, completing.item("contact_email"), user=agency)
    save_request(draft, user=agency, message=message, due_on=asking.in_days(20))
    return draft


def _sent_request(story: Story, text: str) -> None:
    """The first request is answered before: what was prepared becomes version 2."""
    perform(_theirs(story), "answer_completion", actor=story.who("owner"))
    send_request(_request(story, text), user=story.who("agency"))


def _cancelled_request(story: Story, text: str) -> None:
    request = CompletionRequest.objects.open().get(case=story.theirs)
    cancel_request(request, user=story.who("agency"), reason=text)


def _arbitration(story: Story, text: str) -> None:
    overlaps.arbitrate(
        _theirs(story), story.near.pk, outcome="shared", reason=text, actor=story.who("agency")
    )


def _refuse(story: Story, text: str) -> None:
    deciding.propose(_theirs(story), user=story.who("agency"), outcome="refuse", fact_text=text)
    deciding.sign(_theirs(story), story.people["signatory"].body, story.who("signatory"))


def _withdraw(story: Story, text: str) -> None:
    withdrawing.withdraw(_theirs(story), user=story.who("coordinator"), reason=text)


def _draft_decision(story: Story, text: str) -> None:
    deciding.propose(_theirs(story), user=story.who("agency"), fact_text=text, submit=False)


def _cancelled_aid(story: Story, text: str) -> None:
    given = grants.grants_of(_theirs(story)).get()
    grants.cancel_grant(given, reason=text, actor=story.who("agency"))


# --- The far letter ------------------------------------------------------------------------


def _meeting(story: Story, *, place: str = "Mairie", guest: str = "Une invitée") -> None:
    start = timezone.now() + timedelta(hours=2)
    meetings.plan_meeting(
        asking.fresh(story.far),
        actor=story.who("far agent"),
        starts_at=start,
        ends_at=start + timedelta(hours=2),
        place=place,
        guests=[(guest, "", GUEST)],
    )


def _accept_far(story: Story, text: str) -> None:
    """Signed by the agency, then by the CPAM: one cannot be known without the other."""
    far = asking.fresh(story.far)
    perform(far, "take_up", actor=story.who("far agent"))
    deciding.propose(far, user=story.who("far agent"), fact_text=text)
    for who in ("far signatory", "far cpam"):
        deciding.sign(asking.fresh(story.far), story.people[who].body, story.who(who))


def _planned(story: Story) -> InformationMeeting:
    meeting = meetings.planned_meeting(asking.fresh(story.far))
    assert meeting
    return meeting


def _cancel_meeting(story: Story, text: str) -> None:
    meetings.cancel_meeting(_planned(story), actor=story.who("far agent"), reason=text)


def _hold(story: Story, text: str) -> None:
    _meeting(story)
    meetings.record_held(
        _planned(story),
        actor=story.who("far agent"),
        held_on=timezone.localdate(),
        minutes=SimpleUploadedFile(f"{text}.pdf", MINUTES.read_bytes()),
    )


# --- Who reads what --------------------------------------------------------------------------

# Whoever writes the first letter reads of it, in any other role, what its team may.
TEAM_OF_OWN = TEAM | some(REVIEWER, AGENT)
WHO_HAVE_OWN = TEAM_OF_OWN | AGENCIES_OF_OWN | GUICHET | BODIES
FOLLOWERS_OF_OWN = TEAM_OF_OWN | AGENCIES_OF_OWN | GUICHET
FAR_DESKS = some("far agent", "far signatory", "far cpam", "far lead")


def _secret(name: str, plant: Any, readers: frozenset[str], **more: Any) -> Secret:
    return Secret(name, plant, readers, since=Stage.DECIDED, **more)


DECISION_SECRETS: Final = (
    _secret("sentbackon", _send_back, OFFICE_OF_OWN),
    _secret("signed", _propose_again, WHO_HAVE_OWN),
    _secret("reserve", _accept, WHO_HAVE_OWN),
    _secret("answeron", _answer_reserve, FOLLOWERS_OF_OWN),
    _secret("declined", _decline, FOLLOWERS_OF_OWN),
    _secret("proof", _lift, FOLLOWERS_OF_OWN),
    _secret("aidon", lambda s, t: _aid(s, _own(s), t), FOLLOWERS_OF_OWN),
    # Who signs for the agency is known to all its people, and to nobody outside it.
    _secret("delegation", _delegation, AGENCY),
    _secret("requested", _sent_request, AGENCY | some("branch", "owner")),
    _secret("cancelled", _cancelled_request, AGENCY | some("branch", "owner")),
    # Who examines the third letter is its Guichet.
    _secret("arbitration", _arbitration, AGENCY | GUICHET | some("branch")),
    _secret("refusal", _refuse, WHO_HAVE_THEIRS),
    _secret("withdrawal", _withdraw, WHO_HAVE_THEIRS),
    _secret("aid", lambda s, t: _aid(s, _theirs(s), t), AGENCY),
    _secret("cancelledaid", _cancelled_aid, AGENCY),
    _secret("unsentrequest", _request, AGENCY),
    _secret("draftdecision", _draft_decision, AGENCY),
    _secret("far", _accept_far, FAR_DESKS),
    # The call that follows has other guests.
    _secret("guest", lambda s, t: _meeting(s, guest=t), some("far agent"), gone=Stage.DECIDED),
    _secret("place", lambda s, t: _meeting(s, place=t), FAR_DESKS | some("far guest")),
    _secret("nomeeting", _cancel_meeting, FAR_DESKS | some("far guest")),
    _secret("minutes", _hold, FAR_DESKS),
)
