"""A signed contract on the map: whose communes, from when, until when, and on whose desk."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Organisation
from contracts import rules
from contracts.amendments import signing
from contracts.endings import ending, reorganising
from contracts.funding import engaging
from contracts.models import Contract, ContractVersion, Draft
from contracts.terms import CPTS, Commune, to_data
from tests import factories
from tests.contracts import signed
from tests.letters import cases
from workflow import claims
from workflow.coverage import Status, read_coverage, read_holders
from workflow.models import Case, CaseDesk, TerritoryClaim
from workflow.overlaps import find_overlaps, known_overlaps, lines_of_case, unsettled

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loaded_territories")]

ALBI, CASTRES, TOULOUSE = "81004", "81065", "31555"


def recognised(*communes: str) -> Case:
    """A CPTS decided in Occitanie, with these communes."""
    letter = cases.deposited("76", communes=communes)
    Case.objects.filter(pk=letter.pk).update(state="accepted")
    case = Case.objects.get(pk=letter.pk)
    claims.settle_stage(case)
    return case


def put_in_force(case: Case, **changes: Any) -> Contract:
    agency = Organisation.objects.filter(kind="ars", region=case.region_id).get()
    return engaging.put_in_force(
        case.community,
        signed.terms(**changes),
        by=case.created_by,
        ars=agency,
        cpam=signed.cpam(),
        signed_outside="rates" in changes,
    )


def statuses(*codes: str, on: date | None = None) -> list[str]:
    found = {one.code: one for one in read_coverage("76", on).communes}
    return [str(found[code].status) for code in codes]


def public(code: str) -> list[tuple[str, str]]:
    said = Client().get(f"/communes/{code}.json").json()["cpts"]
    return [(one["name"], one["status"]) for one in said]


def end(contract: Contract) -> None:
    today = timezone.localdate()
    Contract.objects.filter(pk=contract.pk).update(ends_on=today - timedelta(days=1))
    assert ending.expire(today) == 1


def test_a_cpts_under_contract_shows_once_and_stands_where_it_was_when_it_ends() -> None:
    case = recognised(ALBI, CASTRES)
    before = statuses(ALBI, CASTRES)
    contract = put_in_force(case)
    assert (before, statuses(ALBI, CASTRES)) == (["acceptee"] * 2, ["contrat"] * 2)
    reader = cases.agent(cases.body("ars", "76"))
    held = read_holders([ALBI], reader, None)[ALBI]
    assert [(one.status, one.is_partial) for one in held.shown] == [(Status.CONTRACT, False)]
    assert held.total == 1
    found = {one.code: one.case_count for one in read_coverage("76").communes}
    assert found[ALBI] == 1
    assert public(ALBI) == [(case.title, "contrat")]
    assert "Contrat signé" in Client().get(f"/communes/{ALBI}/").content.decode()
    # Another CPTS that asks for the same commune reads how far the first one is.
    other = cases.deposited("76", communes=(ALBI,))
    overlaps = find_overlaps(lines_of_case(other), community_id=other.community_id)
    assert [one.stage for one in known_overlaps(overlaps, reader)] == ["contrat signé"]
    end(contract)
    assert statuses(ALBI, CASTRES) == before
    assert public(ALBI) == [(case.title, "acceptee")]
    yesterday = timezone.localdate() - timedelta(days=1)
    assert statuses(ALBI, on=yesterday) == ["rien"]


def test_a_later_project_keeps_its_communes_and_the_contract_stays_on_the_map() -> None:
    case = recognised(ALBI)
    put_in_force(case)
    later = Case.objects.create(
        kind="health_project",
        state="accepted",
        community=case.community,
        title=case.title,
        region_id="76",
        procedure_key=case.procedure_key,
        procedure_version=case.procedure_version,
        reference="PS-1",
        office=case.office,
        department_codes=case.department_codes,
        version=1,
        deposited_at=timezone.now(),
        created_by=case.created_by,
    )
    TerritoryClaim.objects.create(case=later, community=case.community, commune_id=CASTRES)
    claims.settle_stage(later)
    # Recognised for Castres, under contract for Albi until an amendment says otherwise.
    assert statuses(ALBI, CASTRES) == ["contrat", "projet"]
    Case.objects.filter(pk=later.pk).update(state="withdrawn")
    claims.settle_stage(Case.objects.get(pk=later.pk))
    held = TerritoryClaim.objects.filter(case__community=case.community, stage="decided")
    assert list(held.values_list("case", "commune")) == [(case.pk, ALBI)]


def amended(contract: Contract, *codes: str) -> None:
    """The amendment of territory that all have signed, as its last signature does it."""
    version = contract.versions.latest("number")
    says = replace(version.says, communes=tuple(Commune(code=one, name=one) for one in codes))
    draft = Draft.objects.create(
        contract=contract,
        purpose=Draft.Purpose.AMENDMENT,
        state=Draft.State.TO_SIGN,
        based_on=version,
        sections=["territory"],
        effective_on=timezone.localdate(),
        terms=to_data(replace(says, population=99_000)),
        opened_by=contract.created_by,
        updated_by=contract.created_by,
    )
    frozen = draft.versions.create(number=1, terms=draft.terms, party=CPTS, by=draft.opened_by)
    one = contract.signing_rounds.model(
        contract=contract, target_id=frozen.pk, signed_on=timezone.localdate()
    )
    signing.put_in_force(one, by=contract.created_by)
    contract.refresh_from_db(from_queryset=Contract.objects.all())


def test_an_amendment_of_territory_moves_the_map_the_desks_and_the_overlaps() -> None:
    case = recognised(ALBI, CASTRES)
    contract = put_in_force(case)
    branches = {
        code: Organisation.objects.create(
            code=f"dd-{code}",
            kind="ars_branch",
            name=f"DD {code}",
            region_id="76",
            parent=contract.ars,
            department_id=code,
        )
        for code in ("31", "81")
    }
    CaseDesk.objects.create(case=contract, organisation=branches["81"], kind="informed")
    fund = signed.cpam("31", "Haute-Garonne")
    amended(contract, TOULOUSE)
    assert statuses(ALBI, CASTRES, TOULOUSE) == ["rien", "rien", "contrat"]
    assert contract.department_codes == ["31", "81"]
    assert contract.left_department_codes == ["81"]
    assert (contract.commune_count, contract.population) == (1, 99_000)
    desks = set(CaseDesk.objects.filter(case=contract).values_list("organisation", "kind"))
    assert desks >= {
        (branches["31"].pk, "informed"),
        (fund.pk, "informed"),
        (branches["81"].pk, "informed"),
    }
    # The département that left reads what it signed, and writes no more.
    writers = {code: signed.agent(one) for code, one in branches.items()}
    for person in writers.values():
        assert Contract.objects.visible_to(person).filter(pk=contract.pk).exists()
    assert [rules.party_of(contract, writers[code]) for code in ("31", "81")] == ["ars", ""]
    other = cases.deposited("76", communes=(TOULOUSE, ALBI))
    assert [one.communes for one in unsettled(other)] == [[TOULOUSE]]
    amended(contract, ALBI, TOULOUSE)
    assert (contract.department_codes, contract.left_department_codes) == (["31", "81"], [])
    assert statuses(ALBI, CASTRES, TOULOUSE) == ["contrat", "rien", "contrat"]
    end(contract)
    assert statuses(ALBI, CASTRES, TOULOUSE) == ["acceptee", "acceptee", "deposee"]


def test_a_cpts_that_came_with_its_contract_stays_recognised_unless_it_is_gone() -> None:
    from territories.services import add_communes  # noqa: PLC0415 - one test wants it

    cases.reference_rows()
    communities = [
        factories.community(name=f"CPTS {code}", region_=factories.region("76", "Occitanie"))
        for code in (ALBI, CASTRES)
    ]
    agency = cases.body("ars", "76")
    contracts = []
    for community, code in zip(communities, (ALBI, CASTRES), strict=True):
        add_communes(community.territory, [code])
        contracts.append(
            engaging.put_in_force(
                community,
                signed.terms(),
                by=community.created_by,
                ars=agency,
                cpam=signed.cpam(),
                signed_outside=True,
            )
        )
        claims.claim_by_contract(contracts[-1], [(code, "")])
    # Signed before the portal: on the map from its day.
    assert statuses(ALBI, on=date(2023, 6, 30)) == ["rien"]
    assert statuses(ALBI, on=date(2023, 7, 1)) == ["contrat"]
    person = cases.agent(agency)
    reorganising.reorganise(
        "dissolution",
        before=[communities[1]],
        after=[],
        effective_on=timezone.localdate(),
        act="Assemblée générale",
        by=person,
    )
    Contract.objects.update(ends_on=timezone.localdate() - timedelta(days=1))
    assert ending.expire(timezone.localdate()) == 2
    assert statuses(ALBI, CASTRES) == ["projet", "rien"]
    assert public(ALBI) == [("CPTS 81004", "projet")]
    assert ContractVersion.objects.count() == 2
