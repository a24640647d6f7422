"""Whether enough members took part (CRPA, R. 133-10)."""

from collections.abc import Iterable
from dataclasses import dataclass

from committees.models import Attendee

Presence = Attendee.Presence
TAKING_PART = frozenset({Presence.PRESENT, Presence.REMOTE, Presence.MANDATE})


@dataclass(frozen=True)
class Quorum:
    """Half of the members at least: present, at a distance, or by a mandate.

    None is needed on a second call on the same agenda.
    """

    members: int
    taking_part: int
    is_needed: bool

    @property
    def needed(self) -> int:
        return (self.members + 1) // 2 if self.is_needed else 0

    @property
    def is_reached(self) -> bool:
        return self.members > 0 and self.taking_part >= self.needed

    @property
    def sentence(self) -> str:
        """« 4 membres sur 7 prennent part à la séance : le quorum (4) est atteint. »"""
        several = self.taking_part > 1
        verb = "prennent" if several else "prend" if self.taking_part else "ne prend"
        member = "membres" if several else "membre"
        taking = (
            f"{self.taking_part or 'Aucun'} {member} sur {self.members} {verb} part à la séance"
        )
        if not self.is_needed:
            return f"{taking} ; sur seconde convocation, aucun quorum n’est exigé."
        state = "est atteint" if self.is_reached else "n’est pas atteint"
        return f"{taking} : le quorum ({self.needed}) {state}."


def quorum_of(attendees: Iterable[Attendee], *, second_call: bool) -> Quorum:
    """The quorum of a session whose members are all given."""
    presences = [attendee.presence for attendee in attendees]
    return Quorum(
        members=len(presences),
        taking_part=sum(presence in TAKING_PART for presence in presences),
        is_needed=not second_call,
    )
