"""What members receive in a civil year, against the ceiling of that year."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from communities.models import Community
from contracts.funding import indemnities, ratebook
from contracts.models import Indemnity, SocialSecurityCeiling
from members.models import Member
from tests import factories
from tests.contracts import signed
from workflow.services import ActionRefusedError

pytestmark = pytest.mark.django_db

RPPS = "10000000018"


@pytest.fixture
def community() -> Community:
    ratebook.load_delivered_rates()
    return factories.community(name="CPTS des indemnités")


def member(of: Community, last_name: str = "Fabre", **fields: Any) -> Member:
    given = {
        "kind": "professional",
        "first_name": "Claire",
        "profession": "10",
        "created_by": of.created_by,
    } | fields
    return Member.objects.create(community=of, last_name=last_name, **given)


def give(who: Member, amount: str, on: date = date(2023, 5, 1), **given: Any) -> Indemnity:
    by = given.pop("by", who.community.created_by)
    return indemnities.record_indemnity(
        who.community, who, kind="indemnity", paid_on=on, amount=Decimal(amount), by=by
    )


def test_a_professional_receives_at_most_the_ceiling_of_each_civil_year(
    community: Community,
) -> None:
    claire = member(community)
    give(claire, "43000")

    with pytest.raises(ActionRefusedError) as refused:
        give(claire, "992.01", date(2023, 12, 31))
    assert refused.value.message.replace("\u00a0", " ") == (
        "Claire Fabre a déjà reçu 43 000 € en 2023 : avec ce montant, ce serait 43 992,01 €, plus "
        "que le plafond de la sécurité sociale de cette année, 43 992 €. Il reste 992 € au plus."
    )
    give(claire, "992", date(2023, 12, 31))
    give(claire, "41136", date(2022, 1, 1))
    # Nobody has confirmed the ceiling of 2025: nothing is guessed.
    give(claire, "60000", date(2025, 1, 1))


def test_a_person_who_came_back_is_the_same_and_a_cancelled_sum_counts_no_more(
    community: Community,
) -> None:
    before = member(community, rpps=RPPS, left_on=date(2023, 3, 1), joined_on=date(2020, 1, 1))
    after = member(community, rpps=RPPS)
    first = give(before, "43992", date(2023, 1, 10))
    with pytest.raises(ActionRefusedError, match="Il reste 0"):
        give(after, "0.01")

    indemnities.cancel_indemnity(first, by=community.created_by)
    with pytest.raises(ActionRefusedError, match="déjà annulé"):
        indemnities.cancel_indemnity(first, by=community.created_by)
    give(after, "100")


def test_only_those_who_write_for_the_team_record_and_only_for_their_professionals(
    community: Community,
) -> None:
    claire = member(community)
    reader = factories.team_member(community, role="reader").user
    acting = signed.agent(signed.cpam())
    for other in (reader, acting, factories.user()):
        with pytest.raises(PermissionDenied):
            give(claire, "1", by=other)
    elsewhere = factories.community()
    with pytest.raises(PermissionDenied):
        indemnities.record_indemnity(
            elsewhere, claire, kind="indemnity", paid_on=date(2023, 1, 1), amount=Decimal(1),
            by=elsewhere.created_by,
        )  # fmt: skip
    house = member(community, kind="structure", profession="", structure_name="MSP",
                   structure_kind="msp")  # fmt: skip
    with pytest.raises(ActionRefusedError, match="structure"):
        give(house, "1")
    with pytest.raises(ActionRefusedError, match="à venir"):
        give(claire, "1", date(2999, 1, 1))
    assert not Indemnity.objects.exists()


def test_the_database_refuses_impossible_sums_and_ceilings(community: Community) -> None:
    claire = member(community)
    for amount in (0, -1, 10**9):
        with pytest.raises(IntegrityError, match="possible_amount"), transaction.atomic():
            Indemnity.objects.create(
                community=community, member=claire, kind="indemnity", amount=amount,
                paid_on=date(2023, 1, 1), recorded_by=community.created_by,
            )  # fmt: skip
    for values, constraint in (
        ({"year": 2030, "amount": 5, "source": "x"}, "ceiling_possible"),
        ({"year": 2030, "amount": 50_000, "source": ""}, "ceiling_has_a_source"),
    ):
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            SocialSecurityCeiling.objects.create(**values)


def test_the_page_says_the_ceiling_and_what_is_left_in_the_same_queries(
    community: Community,
) -> None:
    client = Client()
    client.force_login(community.created_by)
    url = reverse("contracts:indemnities", args=[community.public_id])
    added = client.post(
        reverse("contracts:indemnity-add", args=[community.public_id]),
        {
            "member": member(community).pk,
            "kind": "remuneration",
            "paid_on": "2023-05-01",
            "amount": "1 000,50",
        },
        follow=True,
    )
    said = added.content.decode().replace("\u00a0", " ")
    assert "43 992 €" in said
    assert "42 991,50 €" in said
    with CaptureQueriesContext(connection) as one:
        client.get(url, {"annee": 2023})
    for number in range(29):
        give(member(community, f"Nom {number:02d}"), "10")
    with CaptureQueriesContext(connection) as many:
        listed = client.get(url, {"annee": 2023})
    assert len(many) == len(one)
    assert listed.context["people"].paginator.count == 30

    made = Indemnity.objects.earliest("pk")
    cancel = reverse("contracts:indemnity-cancel", args=[community.public_id, made.pk])
    assert "est annulé" in client.post(cancel, follow=True).content.decode()
    unsure = client.get(url, {"annee": 2025}).content.decode()
    assert "n’est pas confirmé" in unsure
