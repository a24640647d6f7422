"""What a signed contract covers: on the map, on the desks, in its départements."""

from datetime import date

from django.db import connection

from accounts.models import Organisation
from contracts.models import Contract
from contracts.terms import ContractTerms
from workflow.claims import cover_by_contract
from workflow.models import CaseDesk


def take_territory(contract: Contract, says: ContractTerms, *, since: date | None = None) -> None:
    """The contract covers the communes its parties have just signed for. The caller has the lock.

    Its communes are under contract on the map from now on, or from `since` for one signed before
    the portal. A département it reaches sees it: the branch of its agency, its CPAM. One it leaves
    keeps reading it and writes no more.
    """
    cover_by_contract(contract, [(one.code, one.part) for one in says.communes], since=since)
    departments = departments_of_terms(says)
    if not departments:
        return
    known = [one for one in contract.department_codes if one not in contract.left_department_codes]
    left = [one for one in contract.department_codes if one not in departments]
    contract.department_codes = [*departments, *left]
    contract.left_department_codes = left
    Contract.objects.filter(pk=contract.pk).update(
        department_codes=contract.department_codes, left_department_codes=left
    )
    if reached := [one for one in departments if one not in known]:
        _show_to(contract, reached)


def departments_of_terms(says: ContractTerms) -> list[str]:
    """The départements of the communes of a contract, in their order; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT department_id FROM territories_commune WHERE code = ANY(%s) "
            "ORDER BY department_id",
            [[one.code for one in says.communes]],
        )
        return [code for (code,) in cursor.fetchall()]


def _show_to(contract: Contract, departments: list[str]) -> None:
    here = Organisation.objects.filter(department__in=departments)
    branches = here.filter(kind=Organisation.Kind.ARS_BRANCH, parent=contract.ars_id)
    # An older contract has no fund: none is told of it.
    funds = here.filter(kind=Organisation.Kind.CPAM) if contract.cpam_id else here.none()
    CaseDesk.objects.bulk_create(
        [
            CaseDesk(case_id=contract.pk, organisation=one, kind=CaseDesk.Kind.INFORMED)
            for one in [*branches, *funds]
        ],
        ignore_conflicts=True,
    )
