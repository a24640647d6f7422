"""The pages of a deposited case, as the tabs each reader has."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from accounts.models import User
from cpts_portal.addresses import address
from procedures import registry
from workflow.followup_rules import has_followups
from workflow.kinds import kind_of
from workflow.messages import sees_thread
from workflow.models import Case
from workflow.querysets import ARS_KINDS
from workflow.readers import Reader, reads_mails


@dataclass(frozen=True)
class Tab:
    key: str
    label: str
    url: str


@dataclass(frozen=True)
class _Page:
    """A shared page of a case: asking costs the team and the office in charge no query."""

    key: str
    label: str
    view: str
    is_for: Callable[[Case, User, Reader], bool]


def _has_opinions(case: Case, _user: User, reader: Reader) -> bool:
    circuit = registry.get(case.procedure_key, case.procedure_version).circuit
    if reader == Reader.LEAD:
        return circuit.expects_opinions
    return bool(circuit.consultations)


def _reads_requests(_case: Case, user: User, reader: Reader) -> bool:
    """The team, the office in charge and the agencies: those who may read a request."""
    if reader in {Reader.LEAD, Reader.OFFICE}:
        return True
    return user.acting is not None and user.acting.organisation.kind in ARS_KINDS


# In the order of the tabs; the case's own page comes first.
PAGES: Final[tuple[_Page, ...]] = (
    _Page("opinions", "Avis", "cases:opinions", _has_opinions),
    # For everyone, at every stage: that the tab is there says nothing of what is prepared.
    _Page("decision", "Décision", "cases:decision", lambda _case, _user, _reader: True),
    _Page("territory", "Territoire", "cases:territory", lambda _case, _user, _reader: True),
    _Page("followups", "Suites", "cases:followups", has_followups),
    _Page("messages", "Messages", "cases:messages", lambda case, user, _: sees_thread(case, user)),
    _Page("complements", "Compléments", "cases:complements", _reads_requests),
    _Page("versions", "Versions", "cases:versions", lambda case, _user, _reader: case.version > 1),
    _Page("clock", "Délai", "cases:clock", lambda _case, _user, reader: reader != Reader.REVIEWER),
    _Page("timeline", "Suivi", "cases:timeline", lambda _case, _user, _reader: True),
    _Page("mails", "Courriels", "cases:mails", lambda _case, _user, reader: reads_mails(reader)),
)


def tabs_of(case: Case, user: User, reader: Reader) -> list[Tab]:
    """The tabs of a deposited case for this reader."""
    kind = kind_of(case)
    own = Tab("case", kind.tab, address(kind.page, case.public_id))
    return [own] + [
        Tab(page.key, page.label, address(page.view, case.public_id))
        for page in PAGES
        if page.is_for(case, user, reader)
    ]
