"""What is confidential, one line each: how it is hidden, and who may find it.

`before` are its readers while the bodies are asked, `after` those it has besides once the
letters are handed over to the agency, `decided` those it gains with the decisions. What is hidden
from a later stage on is in `since`; what follows a decision is in `decision_secrets.py`. To
protect something new, add a line: `plant` receives the story and the word to hide.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Any, Final

from accounts.models import User
from committees.sessions import plan_session
from letters.models import LetterOfIntent
from tests.committees import sitting
from tests.confidentiality.story import AGENT, LEAD, REVIEWER, Story
from tests.letters import cases
from tests.workflow import asking, deciding, writing
from workflow import desk_tools, message_templates, messages
from workflow.complement_answers import save_note
from workflow.complement_asking import Asked, save_item, save_request, start_request
from workflow.complement_asking import send as send_request
from workflow.consultations import extend
from workflow.models import Answer, Opinion, TransitionLog
from workflow.opinions import (
    declare_conflict,
    draft_opinion,
    send_back,
    set_communicable,
    validate_opinion,
)
from workflow.services import perform
from workflow.synthesis import save_synthesis

Plant = Callable[[Story, str], Any]


class Stage(IntEnum):
    """How far the story has gone."""

    ASKED = 0
    HANDED_OVER = 1
    DECIDED = 2


@dataclass(frozen=True)
class Secret:
    name: str
    plant: Plant
    before: frozenset[str]
    after: frozenset[str] = frozenset()
    decided: frozenset[str] = frozenset()
    since: Stage = Stage.ASKED
    # From when its readers may have lost it: a text that another has replaced.
    gone: Stage | None = None

    def readers(self, stage: Stage) -> frozenset[str]:
        gained = [self.before, self.after, self.decided]
        return frozenset().union(*gained[: stage + 1])


def some(*names: str) -> frozenset[str]:
    return frozenset(names)


DOCTORS = some(REVIEWER, "president")
NURSES = some("nurse", "nurses' president")
PHARMACISTS = some("pharmacist", "pharmacists' president")
GUICHET = some("guichet", "guichet's reviewer")
AGENCY = some(AGENT, "agency", "coordinator", "signatory")
# Whoever writes a letter reads of it, in any other role, what its team may.
AGENCIES_OF_THEIRS = AGENCY | some("branch")
OFFICE_OF_OWN = some("agency", "coordinator", "signatory")
AGENCIES_OF_OWN = OFFICE_OF_OWN | some("branch")
TEAM = some(LEAD, "colleague")
BODIES = DOCTORS | NURSES | PHARMACISTS
# Every desk that has the second letter, and its team.
WHO_HAVE_THEIRS = AGENCIES_OF_THEIRS | BODIES | GUICHET | some("owner")


def _draft(story: Story, letter: LetterOfIntent, body: str, who: str, text: str) -> Opinion:
    return draft_opinion(
        story.request(letter, body),
        user=story.who(who),
        base_revision=0,
        submit=True,
        **asking.favourable(text=text),
    )


def _give(
    story: Story, letter: LetterOfIntent, body: str, people: tuple[str, str], text: str
) -> Opinion:
    drafted = _draft(story, letter, body, people[0], text)
    return validate_opinion(
        story.request(letter, body), user=story.who(people[1]), revision=drafted.revision
    )


def _give_openly(story: Story, letter: LetterOfIntent, text: str) -> None:
    people = ("pharmacist", "pharmacists' president")
    opinion = _give(story, letter, "Pharmaciens", people, text)
    set_communicable(opinion, user=story.who("guichet"), communicable=True)


def _give_in_confidence(story: Story, letter: LetterOfIntent, text: str) -> None:
    _give(story, letter, "Infirmiers", ("nurse", "nurses' president"), text)


def _send_back(story: Story, text: str) -> None:
    request = story.request(story.theirs, "Médecins")
    revision = request.opinions.get(is_current=True).revision
    send_back(request, user=story.who("president"), revision=revision, comment=text)


def _synthesis(story: Story, letter: LetterOfIntent, text: str) -> None:
    save_synthesis(letter, user=story.who("guichet"), text=text, base_revision=0)


def _no_conflict(story: Story, text: str) -> None:
    declare_conflict(
        story.request(story.theirs, "Infirmiers"),
        user=story.who("nurse"),
        outcome="none",
        reason=text,
    )


def _session(story: Story, text: str) -> None:
    body = story.bodies["Comité"]
    plan_session(body, actor=story.who("secretary"), questions=[text], **sitting.times())


def _more_time(story: Story, text: str) -> None:
    request = story.request(story.theirs, "Médecins")
    extend(
        request,
        user=story.who("guichet"),
        due_on=request.due_on + timedelta(days=7),
        comment=text,
    )


def _label(story: Story, user: User, text: str) -> None:
    label = desk_tools.save_label(text, "blue", user=user)
    desk_tools.put_label(label, [story.theirs], user=user)


def _message_draft(letter: LetterOfIntent, user: User, text: str) -> None:
    messages.save_draft(letter, user=user, written=writing.written(text))


def _template(user: User, text: str) -> None:
    message_templates.save_template(None, user=user, name=text, subject="", text=text)


def _log_comment(letter: LetterOfIntent, transition: str, text: str) -> None:
    TransitionLog.objects.filter(case=letter, transition=transition).update(comment=text)


def _unfiled(text: str) -> None:
    """What a team writes before it deposits; the name of its CPTS is no secret."""
    letter = cases.draft("76")
    Answer.objects.create(
        case_id=letter.pk, key="prediagnosis", value=text, updated_by=letter.created_by
    )


def _proposal(story: Story, text: str) -> None:
    """A decision the agency prepares on the letter whose lead is also its agent."""
    perform(asking.fresh(story.own), "take_up", actor=story.who("agency"))
    deciding.propose(asking.fresh(story.own), user=story.who("agency"), fact_text=text)


def _answer_in_preparation(story: Story, text: str) -> None:
    """What the team of the other letter prepares in answer to a request, not deposited yet."""
    agency = story.who("agency")
    perform(asking.fresh(story.theirs), "take_up", actor=agency)
    draft = start_request(asking.fresh(story.theirs), user=agency)
    asked = save_item(draft, Asked(key="contact_email", reason="missing"), user=agency)
    save_request(draft, user=agency, message="Merci.", due_on=asking.in_days(20))
    send_request(draft, user=agency)
    save_note(asked, user=story.who("owner"), note=text)


SECRETS: Final = (
    Secret("noconflict", _no_conflict, NURSES | GUICHET, AGENCIES_OF_THEIRS),
    Secret("draft", lambda s, t: _draft(s, s.theirs, "Médecins", REVIEWER, t), DOCTORS),
    Secret("sentback", _send_back, DOCTORS),
    Secret("drafton", lambda s, t: _draft(s, s.own, "Médecins", "president", t), some("president")),
    Secret(
        "closed",
        lambda s, t: _give_in_confidence(s, s.theirs, t),
        NURSES | GUICHET,
        AGENCIES_OF_THEIRS,
    ),
    Secret(
        "closedon", lambda s, t: _give_in_confidence(s, s.own, t), NURSES | GUICHET, AGENCIES_OF_OWN
    ),
    Secret(
        "open",
        lambda s, t: _give_openly(s, s.theirs, t),
        PHARMACISTS | GUICHET,
        AGENCIES_OF_THEIRS | NURSES | some("owner"),
    ),
    Secret(
        "openon",
        lambda s, t: _give_openly(s, s.own, t),
        PHARMACISTS | GUICHET,
        AGENCIES_OF_OWN | NURSES | TEAM | some(REVIEWER, AGENT),
    ),
    Secret("synthesis", lambda s, t: _synthesis(s, s.theirs, t), GUICHET, AGENCIES_OF_THEIRS),
    Secret("synthesison", lambda s, t: _synthesis(s, s.own, t), GUICHET, AGENCIES_OF_OWN),
    Secret("moretime", _more_time, DOCTORS | GUICHET, AGENCY),
    Secret(
        "comment", lambda s, t: _log_comment(s.theirs, "start_consultation", t), GUICHET, AGENCY
    ),
    Secret(
        "commenton",
        lambda s, t: _log_comment(s.own, "start_consultation", t),
        GUICHET,
        OFFICE_OF_OWN,
    ),
    Secret(
        "note",
        lambda s, t: desk_tools.save_note(s.theirs, t, user=s.who("guichet")),
        some("guichet"),
    ),
    Secret(
        "noteagent",
        lambda s, t: desk_tools.save_note(s.theirs, t, user=s.who(AGENT)),
        some(AGENT),
    ),
    Secret("label", lambda s, t: _label(s, s.who("guichet"), t), GUICHET),
    Secret("labelagency", lambda s, t: _label(s, s.who("agency"), t), AGENCY),
    Secret(
        "message",
        lambda s, t: writing.send(s.theirs, s.who("guichet"), t),
        GUICHET | some("owner"),
        AGENCY,
    ),
    Secret("messageon", lambda s, t: writing.send(s.own, s.who(LEAD), t), GUICHET | TEAM, AGENCY),
    Secret("unsent", lambda s, t: _message_draft(s.theirs, s.who("guichet"), t), some("guichet")),
    Secret("unsenton", lambda s, t: _message_draft(s.own, s.who(LEAD), t), some(LEAD)),
    Secret("template", lambda s, t: _template(s.who("guichet"), t), GUICHET),
    Secret("templateagency", lambda s, t: _template(s.who("agency"), t), AGENCY),
    Secret("unfiled", lambda _s, t: _unfiled(t), frozenset()),
    Secret(
        "messagelate",
        lambda s, t: writing.send(s.theirs, s.who("agency"), t),
        AGENCY | some("owner"),
        since=Stage.HANDED_OVER,
    ),
    Secret(
        "messagelateon",
        lambda s, t: writing.send(s.own, s.who("agency"), t),
        AGENCY | TEAM,
        since=Stage.HANDED_OVER,
    ),
    # Another text takes its place before it is signed.
    Secret("proposal", _proposal, OFFICE_OF_OWN, since=Stage.HANDED_OVER, gone=Stage.DECIDED),
    # What a committee sets itself to speak of is its own.
    Secret("session", _session, some("secretary")),
    # Once deposited, it is part of the letter.
    Secret(
        "buffer",
        _answer_in_preparation,
        some("owner"),
        decided=WHO_HAVE_THEIRS,
        since=Stage.HANDED_OVER,
    ),
    Secret(
        "commentlate",
        lambda s, t: _log_comment(s.theirs, "transmit", t),
        AGENCY,
        since=Stage.HANDED_OVER,
    ),
)
# Nobody of the story reads it: its owner is outside.
FOUND_BY_NOBODY: Final = frozenset({"unfiled"})
