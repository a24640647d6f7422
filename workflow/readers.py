"""From where a person looks at a case, and the words each kind of case has for each of them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accounts.models import User
    from workflow.models import Case


class Reader(StrEnum):
    """From where a person looks at a case."""

    LEAD = "lead"  # on the team of the CPTS, in their own name
    REVIEWER = "reviewer"  # in a role of a body that is asked its opinion
    OFFICE = "office"  # in a role of the organisation in charge: the instructor
    INFORMED = "informed"  # in a role of an organisation that sees it as well: the partner
    PUBLIC = "public"  # anybody


class Audience(StrEnum):
    """Who reads a line of the story of a case; `workflow.timeline` says it in words."""

    EVERYONE = "everyone"  # the team and every organisation that has the case
    TEAM = "team"  # the team alone
    DESKS = "desks"  # the team and the offices that have the case, not the bodies asked
    PARTIES = "parties"  # the team, and the office in charge at the time and since
    AGENCIES = "agencies"  # the office in charge, the agencies that have the case, the body
    OFFICE = "office"  # the office in charge alone
    BODY = "body"  # a body that is asked its opinion, alone


def reads_mails(reader: Reader) -> bool:
    """Who sees whom the portal wrote to about a case, and what became of it."""
    return reader == Reader.OFFICE


@dataclass(frozen=True)
class StateLabel:
    """A state for one reader: its name, its tone on screen, and what comes next."""

    label: str
    # One of the tones of `components/badge.html`; the words never depend on it.
    tone: str
    next_step: str


def reader_of(case: "Case", user: "User") -> Reader:
    """From where this person, in the role they act in, looks at a case they may see."""
    if user.acting is None:
        return Reader.LEAD
    if case.office_id == user.acting.organisation_id:
        return Reader.OFFICE
    desk = case.desk_of(user.acting.organisation_id)
    return Reader.REVIEWER if desk == "consulted" else Reader.INFORMED
