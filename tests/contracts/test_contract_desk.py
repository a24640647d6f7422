"""The desk of contracts and the page of one: who reads what, and what each says."""

import re
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from communities.stages import open_stage
from contracts.desk import waiting as desk
from contracts.desk.standing import dues_of
from contracts.funding import balances, payments
from contracts.models import Contract
from territories.services import add_communes
from tests import factories
from tests.contracts import signed

pytestmark = pytest.mark.django_db


PAGES = ("money", "missions", "dialogues")


def browser(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def pay_what_is_due(contract: Contract, by: User) -> None:
    today = timezone.localdate()
    left = balances.account_of(contract, on=today).left
    paid = {"paid_on": today, "reference": f"VIR-{contract.pk}", "by": by}
    payments.record_payment(contract, amount=left, **paid)


def test_each_number_of_the_desk_is_that_of_its_list_and_costs_the_same_for_thirty() -> None:
    paid, owing = signed.contract(), signed.contract()
    assert paid.cpam
    agent = signed.agent(paid.cpam)
    pay_what_is_due(paid, agent)
    today = timezone.localdate()
    assert desk.counts(agent, today) == {
        "a-preparer": 0,
        "a-signer": 0,
        "a-payer": 1,
        "a-revoir": 0,
        "tous": 2,
    }
    found = desk.read_desk(agent, "", today, "9")
    assert (found.counts, found.view) == (desk.counts(agent, today), desk.PAY)
    assert [(one.reference, one.what.split(" échus")[1]) for one in found.rows] == [
        (owing.reference, " à payer")
    ]
    assert owing.debts.get(since__lte=today, until__gt=today).amount == (
        balances.account_of(owing, on=today).left
    )
    assert not paid.debts.filter(since__lte=today, until__gt=today).exists()
    client = browser(agent)
    client.get(reverse("contract-desk:todo"))
    costs = []
    for more in (0, 28):
        for _number in range(more):
            signed.contract()
        with CaptureQueriesContext(connection) as spent:
            page = client.get(reverse("contract-desk:todo"), {"voir": "tous"})
        costs.append((page.status_code, len(spent)))
    assert costs == [(200, costs[0][1])] * 2
    landing = client.get(reverse("desks:home"), follow=True).content.decode()
    assert "?voir=a-payer" in landing


def test_a_recognised_cpts_without_a_contract_is_to_be_opened_by_its_fund() -> None:
    from territories.models import Commune  # noqa: PLC0415 - one test wants it

    community = factories.community()
    department = signed.department()
    Commune.objects.get_or_create(
        code="81004", defaults={"name": "Albi", "name_key": "albi", "department": department}
    )
    add_communes(community.territory, ["81004"])
    open_stage(
        community,
        name="CPTS reconnue",
        act="Reconnaissance",
        reference="R-1",
        population=1,
        commune_count=1,
        size_class="T1",
        carried={},
        kind="contract",
    )
    here, elsewhere = signed.agent(signed.cpam()), signed.agent(signed.cpam("31", "Haute-Garonne"))
    assert [one.name for one in desk.to_open(here)] == ["CPTS reconnue"]
    assert desk.to_open(elsewhere) == []
    page = browser(here).get(reverse("contract-desk:todo"), {"voir": "a-preparer"})
    assert "Ouvrir le contrat" in page.content.decode()


def test_the_page_of_a_contract_says_what_is_awaited_and_is_its_parties_alone() -> None:
    contract = signed.contract()
    owner = contract.community.created_by
    today = date(2023, 8, 1)
    account = balances.account_of(contract, on=today)
    dues = dues_of(contract, account, today)
    said = [(one.who, one.what.split("\u00a0")[0], one.on) for one in dues]
    assert said[0] == ("CPAM", "Payer ce qui est échu", None)
    assert ("CPTS", "Mission à démarrer", date(2024, 1, 1)) in said
    assert ("CPAM", "Prochain versement", date(2024, 7, 1)) in said
    assert account.left == Decimal("225000.00")
    url = reverse("contract-desk:contract", args=[contract.public_id])
    page = browser(owner).get(url)
    assert "Mon contrat" in page.content.decode()
    assert browser(signed.agent(contract.ars)).get(url).status_code == 200
    assert browser(factories.user()).get(url).status_code == 404
    assert browser(owner).get(reverse("contract-desk:todo")).status_code == 200
    # The lists of the team and of an office, and the contract's own pages, lead there.
    leading = [
        (owner, reverse("desks:home")),
        (signed.agent(contract.cpam), reverse("desks:inbox") + "?onglet=tous"),
        (owner, reverse("cases:timeline", args=[contract.public_id])),
        *((owner, reverse(f"contracts:{one}", args=[contract.public_id])) for one in PAGES),
    ]
    pages = [(path, browser(one).get(path, follow=True)) for one, path in leading]
    leads = re.compile(f'href="{url}["?]')
    assert [path for path, page in pages if not leads.search(page.content.decode())] == []


def test_anyone_reads_a_contract_in_force_without_a_sum_or_a_name_of_a_person() -> None:
    contract = signed.contract(signed_outside=True)
    public_id = contract.community.public_id
    open_stage(
        contract.community,
        name=contract.title,
        act="Reconnaissance",
        reference="R-2",
        population=1,
        commune_count=1,
        size_class="T3",
        carried={},
        kind="contract",
    )
    anyone = Client()
    page = anyone.get(reverse("communities:public", args=[public_id])).content.decode()
    assert "Le contrat" in page
    assert "Prévention, à partir du 1er juillet 2023" in page
    assert "€" not in page
    data = anyone.get(reverse("contract-data:one", args=[public_id])).json()
    assert (data["engagement"], data["signed_on"], data["signed_outside"]) == (
        "ACI",
        "2023-07-01",
        True,
    )
    assert data["missions"]["prevention"] == "2023-07-01"
    everything = anyone.get(reverse("contract-data:all", args=["csv"])).content.decode()
    assert contract.title in everything
    assert anyone.get(reverse("contract-data:all", args=["json"])).json()["contracts"] == [data]
    other = factories.community()
    assert anyone.get(reverse("contract-data:one", args=[other.public_id])).status_code == 404
