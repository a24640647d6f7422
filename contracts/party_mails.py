"""Telling the parties of a contract one thing, each once."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from accounts.models import Organisation
from contracts.models import Contract
from contracts.terms import ARS, CPAM, CPTS
from notifications.services import Told
from workflow.models import CaseDesk
from workflow.notices import team_of, tell
from workflow.people import members


def people_of(contract: Contract, party: str) -> list[tuple[Organisation | None, list[Told]]]:
    """Who is told for a party, by the organisation they are told for: its own people there, else
    its mailbox; the team of the CPTS for it. The branches of the agency that follow the contract
    are told in its place where they have somebody.
    """
    if party == CPTS:
        return [(None, list(team_of(contract)))]
    if party == CPAM:
        return [_of_body(contract, contract.cpam)] if contract.cpam else []
    desks = CaseDesk.objects.filter(case_id=contract.pk, organisation__parent=contract.ars_id)
    branches = [desk.organisation for desk in desks.select_related("organisation")]
    found: list[tuple[Organisation | None, list[Told]]] = [
        (one, list(people)) for one in branches if (people := members(one, contract))
    ]
    return found or [_of_body(contract, contract.ars)]


def _of_body(contract: Contract, body: Organisation) -> tuple[Organisation | None, list[Told]]:
    return body, list(members(body, contract)) or [body]


def tell_parties(
    contract: Contract,
    kind: str,
    *,
    key: str,
    template: str,
    context: Mapping[str, Any],
    path: str,
    parties: Collection[str] = (CPTS, ARS, CPAM),
    attachments: Sequence[tuple[str, str]] = (),
) -> None:
    """Tell these parties one thing about a contract: the people of each, once."""
    for party in parties:
        for body, people in people_of(contract, party):
            tell(
                contract,
                kind,
                key=key,
                to=people,
                template=template,
                context=context,
                body=body,
                path=path,
                attachments=attachments,
            )
